/* Start-up and clock for RV32 and RV64, machine mode. */
#include "harness.h"

__attribute__((naked, noreturn, section(".vectors"), used)) void reset(void);
void reset(void) {
    __asm__ volatile(".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
                     "la sp, _stack_top\n la t0, trap\n csrw mtvec, t0\n"
#ifdef __riscv_flen
                     /* mstatus.FS: the float registers may be used. */
                     "li t0, 0x2000\n csrs mstatus, t0\n"
#endif
                     "j harness_start\n"
                     ".balign 4\n trap: csrr a0, mepc\n csrr a1, mcause\n j harness_fault\n");
}

uint64_t harness_ticks(void) {
#if __riscv_xlen == 64
    uint64_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
#else
    for (;;) {
        uint32_t high, low, again;
        __asm__ volatile("csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth" : "=r"(high), "=r"(low), "=r"(again));
        if (high == again) return ((uint64_t)high << 32) | low;
    }
#endif
}

uint64_t harness_calibrate(void) {
    uint32_t count = HARNESS_CALIBRATION / 2;
    uint64_t before = harness_ticks();
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b\n" : "+r"(count));
    return harness_ticks() - before;
}

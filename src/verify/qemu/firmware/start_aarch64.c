/* Start-up and clock for AArch64 at EL1. */
#include "harness.h"

/* A gigabyte an entry: devices, then memory. While no table is in use all is devices, where unaligned accesses are faults, and
 * those of vectors are aligned to their elements only. */
__attribute__((aligned(4096), used)) static const uint64_t table[512] = {0x00000405u, 0x40000701u};

__attribute__((naked, noreturn, section(".vectors"), used)) void reset(void);
void reset(void) {
    __asm__ volatile("adrp x0, _stack_top\n add x0, x0, :lo12:_stack_top\n mov sp, x0\n"
                     "adrp x0, vectors\n add x0, x0, :lo12:vectors\n msr vbar_el1, x0\n"
                     /* CPACR_EL1.FPEN: floats and vectors may be used. */
                     "mov x0, #0x300000\n msr cpacr_el1, x0\n"
                     /* Attribute 0 is memory with caches, 1 a device; 39 bits of addresses from the table. */
                     "mov x0, #0xff\n msr mair_el1, x0\n"
                     "ldr x0, =0x803519\n msr tcr_el1, x0\n"
                     "adrp x0, table\n add x0, x0, :lo12:table\n msr ttbr0_el1, x0\n isb\n"
                     /* SCTLR_EL1: the table and both caches. */
                     "mrs x0, sctlr_el1\n mov x1, #0x1005\n orr x0, x0, x1\n msr sctlr_el1, x0\n isb\n"
                     "b harness_start\n"
                     ".balign 2048\n vectors:\n .rept 16\n .balign 128\n b fault\n .endr\n"
                     "fault: mrs x0, elr_el1\n mrs x1, esr_el1\n b harness_fault\n");
}

uint64_t harness_ticks(void) {
    uint64_t count;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

uint64_t harness_calibrate(void) {
    uint32_t count = HARNESS_CALIBRATION / 2;
    uint64_t before = harness_ticks();
    __asm__ volatile("1: subs %w0, %w0, #1\n b.ne 1b\n" : "+r"(count) : : "cc");
    return harness_ticks() - before;
}

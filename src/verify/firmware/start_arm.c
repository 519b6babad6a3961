/* Start-up and clock for Cortex-M. */
#include "harness.h"

extern char _stack_top[], _bss_start[], _bss_end[];

static void start(void) {
    for (volatile char *p = _bss_start; p < _bss_end; p++) *p = 0;
    firmware();
    harness_exit(0);
}

__attribute__((naked, noreturn)) void reset(void);
void reset(void) {
    __asm__ volatile("ldr r0, =_stack_top\n mov sp, r0\n"
#if __ARM_FP || __ARM_FEATURE_MVE
                     /* CPACR: full access to coprocessors 10 and 11 */
                     "ldr r0, =0xe000ed88\n ldr r1, [r0]\n ldr r2, =0x00f00000\n orr r1, r1, r2\n str r1, [r0]\n dsb\n isb\n"
#endif
                     "bl start_c\n b .\n");
}

__attribute__((used)) void start_c(void);
void start_c(void) {
    start();
}

static void fault(void) {
    harness_exit(110);
}

static volatile uint32_t wraps;

static void systick(void) {
    wraps++;
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))_stack_top, reset, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, systick,
};

/* SysTick counts down 24 bits of the processor clock, which under `-icount shift=0` runs with the instructions. */
#define SYST_CSR (*(volatile uint32_t *)0xe000e010u)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014u)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018u)

uint64_t harness_ticks(void) {
    if (!(SYST_CSR & 1u)) {
        SYST_RVR = 0xffffffu;
        SYST_CVR = 0;
        SYST_CSR = 7;
    }
    for (;;) {
        uint32_t before = wraps, value = SYST_CVR;
        if (before == wraps) return ((uint64_t)before << 24) + (0xffffffu - value);
    }
}

uint64_t harness_calibrate(void) {
    uint32_t count = 2000000;
    uint64_t before = harness_ticks();
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b\n" : "+l"(count) : : "cc");
    return harness_ticks() - before;
}

/* Start-up and clock for Cortex-M. */
#include "harness.h"

extern uint32_t _stack_top[];

__attribute__((naked, noreturn)) void reset(void);
void reset(void) {
    __asm__ volatile("ldr r0, =_stack_top\n mov sp, r0\n"
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
                     /* CPACR: full access to coprocessors 10 and 11. */
                     "ldr r0, =0xe000ed88\n ldr r1, [r0]\n ldr r2, =0x00f00000\n orr r1, r1, r2\n str r1, [r0]\n dsb\n isb\n"
#endif
                     "bl harness_start\n b .\n");
}

__attribute__((used)) void fault_c(const uint32_t *frame);
void fault_c(const uint32_t *frame) {
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    /* The seventh word of the exception frame is the address to return to. */
    harness_fault(frame[6], exception);
}

__attribute__((naked)) static void fault(void) {
    __asm__ volatile("mov r0, sp\n bl fault_c\n");
}

static volatile uint32_t wraps;

static void systick(void) {
    wraps++;
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)_stack_top,
    reset, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, systick,
};

/* SysTick counts down 24 bits of the processor's clock, which under `-icount shift=0` runs with the instructions. */
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
        /* The interrupt comes with the step from 1 to 0; the counter goes on at the top. */
        if (before == wraps) return ((uint64_t)before << 24) + ((0u - value) & 0xffffffu);
    }
}

uint64_t harness_calibrate(void) {
    uint32_t count = HARNESS_CALIBRATION / 2;
    uint64_t before = harness_ticks();
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b\n" : "+l"(count) : : "cc");
    return harness_ticks() - before;
}

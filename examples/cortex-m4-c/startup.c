/* Start-up code for a Cortex-M4 with GCC: the vector table, memory as C expects it, the FPU, main. What it prints goes to
 * the debugger's or the simulator's console (semihosting); a board would write to a serial port. */
#include "board.h"
#include <stdint.h>

int main(void);
void reset(void);

/* The linker script's. */
extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void print(const char *text)
{
    semihost(0x04, text);
}

/* Ends the simulation with this exit code. */
static void leave(uint32_t code)
{
    const uint32_t reason_and_code[2] = {0x20026, code};
    semihost(0x20, reason_and_code);
}

void reset(void)
{
    uint32_t *to = data_start;
    const uint32_t *from = data_load;
    while (to < data_end) {
        *to++ = *from++;
    }
    for (to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
#ifdef __ARM_FP
    /* CPACR: coprocessors 10 and 11 are the FPU. */
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    leave((uint32_t)main());
    for (;;) {
    }
}

static void fault(void)
{
    print("fault\n");
    leave(2);
    for (;;) {
    }
}

/* The stack, reset, NMI, and the faults; the chip's interrupts would follow at 16. */
__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)stack_top, reset, fault, fault, fault, fault, fault,
};

/* What the user of a board supplies: start-up code and a serial port. Here it is QEMU's MPS2 with its CMSDK UART, and a
 * firmware that prints lines of its own before and behind. */
#include <stdint.h>

void tinyc_putchar(char c);
void tinyc_bench(void);
void reset(void);
extern uint32_t _stack_top[], _bss_start[], _bss_end[];

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_DIVIDER REGISTER(0x40004010u)

void tinyc_putchar(char c)
{
    UART_DIVIDER = 16;
    UART_CONTROL = 1;
    while (UART_STATE & 1u) {
    }
    UART_DATA = (uint8_t)c;
}

static void print(const char *text)
{
    while (*text) tinyc_putchar(*text++);
}

/* Ends the simulation; a board would idle. */
__attribute__((noreturn)) static void leave(void)
{
    uint32_t parameters[2] = {0x20026, 0};
    register uint32_t r0 __asm__("r0") = 0x20;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xab" : : "r"(r0), "r"(r1) : "memory");
    for (;;) {
    }
}

void reset(void)
{
    volatile uint32_t *p;
    for (p = _bss_start; p < _bss_end; p++) *p = 0;
#ifdef __ARM_FP
    REGISTER(0xe000ed88u) |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    print("board is up\r\n[0.01] ");
    tinyc_bench();
    print("idle\r\n");
    leave();
}

static void fault(void)
{
    print("fault\r\n");
    leave();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)_stack_top, reset, fault, fault, fault, fault, fault,
};

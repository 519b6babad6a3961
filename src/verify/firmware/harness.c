/* The common part of a verification firmware: semihosting and stack measurement. */
#include "harness.h"

extern char _stack_bottom[];

enum { SYS_OPEN = 1, SYS_WRITE = 5, SYS_READ = 6, SYS_EXIT_EXTENDED = 0x20 };

/* A call to the host; see "Semihosting for AArch32 and AArch64". */
static intptr_t call(int operation, const void *parameters) {
#ifdef __riscv
    register intptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = parameters;
    /* The three instructions are recognised together, so they must be uncompressed and in one line of memory. */
    __asm__ volatile(".balign 16\n .option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#else
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static size_t length(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

void harness_exit(int code) {
    /* ADP_Stopped_ApplicationExit */
    uintptr_t parameters[2] = {0x20026, (uintptr_t)code};
    call(SYS_EXIT_EXTENDED, parameters);
    for (;;) {
    }
}

int harness_open(const char *name, int write) {
    uintptr_t parameters[3] = {(uintptr_t)name, write ? 5 : 1, length(name)};
    intptr_t file = call(SYS_OPEN, parameters);
    if (file < 0) harness_exit(101);
    return (int)file;
}

void harness_read(int file, void *bytes, size_t count) {
    uintptr_t parameters[3] = {(uintptr_t)file, (uintptr_t)bytes, count};
    if (count && call(SYS_READ, parameters) != 0) harness_exit(102);
}

void harness_write(int file, const void *bytes, size_t count) {
    uintptr_t parameters[3] = {(uintptr_t)file, (uintptr_t)bytes, count};
    if (count && call(SYS_WRITE, parameters) != 0) harness_exit(103);
}

void harness_report(int file, const char *key, uint64_t value) {
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\n';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    digits[--at] = ' ';
    harness_write(file, key, length(key));
    harness_write(file, digits + at, sizeof digits - at);
}

#define PATTERN 0xa5c3a5c3u

static uint32_t *stack_end(void) {
    return (uint32_t *)__builtin_frame_address(0);
}

static uint32_t *painted_end;

__attribute__((noinline)) void harness_paint_stack(void) {
    /* Leaves out this function's own frame and a little more. */
    painted_end = stack_end() - 16;
    for (volatile uint32_t *p = (uint32_t *)_stack_bottom; p < painted_end; p++) *p = PATTERN;
}

__attribute__((noinline)) size_t harness_stack(void) {
    volatile uint32_t *p = (uint32_t *)_stack_bottom;
    while (p < painted_end && *p == PATTERN) p++;
    return (size_t)((char *)stack_end() - (char *)p);
}

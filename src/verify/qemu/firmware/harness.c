/* The part of a verification firmware that all cores share: semihosting and measuring the stack. */
#include "harness.h"

extern uint32_t _stack_bottom[], _bss_start[], _bss_end[];

enum { SYS_OPEN = 1, SYS_WRITE = 5, SYS_READ = 6, SYS_EXIT_EXTENDED = 0x20 };

/* A call to the host; see "Semihosting for AArch32 and AArch64" and "RISC-V Semihosting". */
static intptr_t call(int operation, const void *parameters) {
#ifdef __riscv
    register intptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = parameters;
    /* The three instructions are recognised together: uncompressed, and on one page. */
    __asm__ volatile(".balign 16\n .option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#elif defined(__aarch64__)
    register intptr_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = parameters;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
#else
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

void harness_start(void) {
    for (volatile uint32_t *p = _bss_start; p < _bss_end; p++) *p = 0;
    firmware();
    harness_exit(HARNESS_DONE);
}

static size_t length(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

void harness_exit(int code) {
    /* 0x20026 is ADP_Stopped_ApplicationExit. */
    uintptr_t parameters[2] = {0x20026, (uintptr_t)code};
    call(SYS_EXIT_EXTENDED, parameters);
    for (;;) {
    }
}

int harness_open(const char *name, int write) {
    /* Modes of fopen: 1 is "rb", 5 is "wb". */
    uintptr_t parameters[3] = {(uintptr_t)name, write ? 5 : 1, length(name)};
    intptr_t file = call(SYS_OPEN, parameters);
    if (file < 0) harness_exit(HARNESS_CANNOT_OPEN);
    return (int)file;
}

void harness_read(int file, void *bytes, size_t count) {
    uintptr_t parameters[3] = {(uintptr_t)file, (uintptr_t)bytes, count};
    /* Both calls return the number of bytes that are left over. */
    if (count && call(SYS_READ, parameters) != 0) harness_exit(HARNESS_CANNOT_READ);
}

void harness_write(int file, const void *bytes, size_t count) {
    uintptr_t parameters[3] = {(uintptr_t)file, (uintptr_t)bytes, count};
    if (count && call(SYS_WRITE, parameters) != 0) harness_exit(HARNESS_CANNOT_WRITE);
}

void harness_report(int file, const char *key, uint64_t value) {
    uint32_t words[2] = {(uint32_t)(value >> 32), (uint32_t)value};
    char text[18] = " ";
    size_t at = 1;
    for (int word = 0; word < 2; word++) {
        for (int shift = 28; shift >= 0; shift -= 4) text[at++] = "0123456789abcdef"[words[word] >> shift & 15];
    }
    text[at] = '\n';
    harness_write(file, key, length(key));
    harness_write(file, text, sizeof text);
}

void harness_fault(uintptr_t where, uintptr_t cause) {
    int file = harness_open("fault.txt", 1);
    harness_report(file, "where", where);
    harness_report(file, "cause", cause);
    harness_exit(HARNESS_FAULT);
}

enum { SPOILED = 0xa5 };

void harness_spoil(void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) ((volatile uint8_t *)bytes)[i] = SPOILED;
}

int harness_spoiled(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (((const volatile uint8_t *)bytes)[i] != SPOILED) return 0;
    }
    return 1;
}

#define PAINT 0xa5c3a5c3u

void harness_paint_stack(void) {
    /* Leaves out this function's own frame. */
    volatile uint32_t *end = (uint32_t *)(harness_stack_pointer() - 64);
    for (volatile uint32_t *p = _stack_bottom; p < end; p++) *p = PAINT;
}

size_t harness_stack(uintptr_t pointer) {
    volatile uint32_t *p = _stack_bottom;
    while ((uintptr_t)p < pointer && *p == PAINT) p++;
    if (p == _stack_bottom) harness_exit(HARNESS_STACK_OVERFLOW);
    return pointer - (uintptr_t)p;
}

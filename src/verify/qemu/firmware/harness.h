/* What a verification firmware needs of the simulated machine: files of the host, a count of instructions, the stack. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* Ends of a simulation; `src/verify/simulator.rs` knows the same numbers. */
enum {
    HARNESS_DONE = 0,
    HARNESS_CANNOT_OPEN = 101,
    HARNESS_CANNOT_READ = 102,
    HARNESS_CANNOT_WRITE = 103,
    HARNESS_FAULT = 110,
    HARNESS_STACK_OVERFLOW = 111,
    HARNESS_OUTSIDE = 112
};

/* The firmware, in the generated main.c: started with a stack, cleared .bss and, where there is one, the FPU on. */
void firmware(void);

/* Clears .bss, runs the firmware and ends the simulation: where start-up code goes once there is a stack. */
void harness_start(void);
/* Opens a file of the host (in QEMU's working directory); ends the simulation if that fails. */
int harness_open(const char *name, int write);
/* Reads or writes all bytes, or ends the simulation. */
void harness_read(int file, void *bytes, size_t count);
void harness_write(int file, const void *bytes, size_t count);
/* Writes "key value\n", the value in hexadecimal: a division would pull library code into the firmware. */
void harness_report(int file, const char *key, uint64_t value);
/* Ends the simulation. */
void harness_exit(int code);
/* Says where the code was and why it stopped (numbers of the architecture), and ends the simulation. */
void harness_fault(uintptr_t where, uintptr_t cause);

/* Time on the machine's clock, which runs with the instructions. The unit is found by harness_calibrate. */
uint64_t harness_ticks(void);
/* Ticks that HARNESS_CALIBRATION instructions take. */
uint64_t harness_calibrate(void);
#define HARNESS_CALIBRATION 4000000u

/* Fills bytes with a pattern that no network expects to find. */
void harness_spoil(void *bytes, size_t count);
/* Whether the pattern is still there. */
int harness_spoiled(const void *bytes, size_t count);

/* Fills the free stack with a pattern. harness_stack gives how many bytes below `pointer` have been used since. */
void harness_paint_stack(void);
size_t harness_stack(uintptr_t pointer);

static inline uintptr_t harness_stack_pointer(void) {
    uintptr_t pointer;
#ifdef __riscv
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
#else
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
#endif
    return pointer;
}

#endif

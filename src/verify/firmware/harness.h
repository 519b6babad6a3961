/* What a verification firmware needs of the simulated machine: files of the host, a counter of instructions, the stack. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* The firmware; started with a stack, cleared .bss and, where there is one, the FPU switched on. */
void firmware(void);

/* Opens a file of the host (in QEMU's working directory); ends the simulation if that fails. */
int harness_open(const char *name, int write);
/* Reads or writes all bytes, or ends the simulation. */
void harness_read(int file, void *bytes, size_t count);
void harness_write(int file, const void *bytes, size_t count);
/* Writes "key value\n". */
void harness_report(int file, const char *key, uint64_t value);
/* Ends the simulation. */
void harness_exit(int code);

/* Instructions executed since some fixed moment, as the machine's virtual clock tells; see harness_calibrate. */
uint64_t harness_ticks(void);
/* Ticks that 4,000,000 instructions take. */
uint64_t harness_calibrate(void);

/* Fills the unused stack with a pattern; harness_stack tells how many bytes below the call have been used since. */
void harness_paint_stack(void);
size_t harness_stack(void);

#endif

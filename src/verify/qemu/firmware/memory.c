/* The functions that GCC calls of its own accord, for a firmware without a C library. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);

/* A word that may lie over bytes of any type. */
typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0) {
        for (; count >= 4; count -= 4, t += 4, f += 4) *(word *)t = *(const word *)f;
    }
    for (; count; count--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t <= (uintptr_t)f) {
        for (; count; count--) *t++ = *f++;
    } else {
        while (count--) t[count] = f[count];
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *t = to;
    uint32_t byte = (uint8_t)value;
    for (; count && ((uintptr_t)t & 3); count--) *t++ = (uint8_t)byte;
    for (; count >= 4; count -= 4, t += 4) *(word *)t = byte * 0x01010101u;
    for (; count; count--) *t++ = (uint8_t)byte;
    return to;
}

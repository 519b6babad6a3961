/* Functions of many kinds, for a compiler to turn into code of many kinds. Each takes 1024 bytes and leaves 256 words. */
#include <stdint.h>

typedef void function(const int8_t *in, int32_t *out);

void work_nothing(const int8_t *in, int32_t *out) { (void)in; (void)out; }

void work_products(const int8_t *in, int32_t *out) {
    for (int row = 0; row < 16; row++) {
        for (int column = 0; column < 16; column++) {
            int32_t sum = row - column;
            for (int at = 0; at < 32; at++) {
                sum += in[32 * row + at] * in[512 + 16 * at + column];
            }
            out[16 * row + column] = sum;
        }
    }
}

void work_requantise(const int8_t *in, int32_t *out) {
    for (int at = 0; at < 256; at++) {
        int64_t product = (int64_t)(in[at] * 7654321) * (1 << 30 | at << 8);
        int32_t result = (int32_t)(product >> 40);
        result = result > 127 ? 127 : result < -128 ? -128 : result;
        out[at] = result;
    }
}

void work_sort(const int8_t *in, int32_t *out) {
    for (int at = 0; at < 256; at++) {
        int32_t value = in[at] * 256 + in[at + 256], hole = at;
        while (hole > 0 && out[hole - 1] > value) {
            out[hole] = out[hole - 1];
            hole--;
        }
        out[hole] = value;
    }
}

void work_divide(const int8_t *in, int32_t *out) {
    for (int at = 0; at < 256; at++) {
        int32_t x = in[at] * 12345 + 678, y = in[at + 1] + 200;
        uint32_t u = (uint32_t)x;
        out[at] = x / y + x % 37 + (int32_t)(u / 1000u) + (int32_t)((uint64_t)u * 77 >> 13);
    }
}

static int32_t deep(int32_t depth, const int8_t *in, int32_t *out) {
    if (depth == 0) return in[out[0] & 255];
    int32_t left = deep(depth - 1, in + 1, out);
    out[depth] += left;
    return left + deep(depth - 1, in + 2, out) * 3;
}

void work_calls(const int8_t *in, int32_t *out) {
    for (int at = 0; at < 256; at++) out[at] = at;
    out[255] = deep(7, in, out);
}

void work_choices(const int8_t *in, int32_t *out) {
    int32_t state = 1;
    for (int at = 0; at < 256; at++) {
        switch (in[at] & 15) {
        case 0: state += 3; break;
        case 1: state ^= 0x55; break;
        case 2: state = state << 3 | (uint32_t)state >> 29; break;
        case 3: state -= in[at + 1]; break;
        case 4: state *= 17; break;
        case 5: state = -state; break;
        case 6: state = state > 1000 ? 7 : state + 11; break;
        case 7: state |= 0x100; break;
        case 8: state &= ~0xf0; break;
        default: state += in[state & 255]; break;
        }
        out[at] = state;
    }
}

void work_bytes(const int8_t *in, int32_t *out) {
    uint8_t *bytes = (uint8_t *)out;
    uint16_t *halves = (uint16_t *)out;
    for (int at = 0; at < 256; at++) bytes[at] = (uint8_t)(in[at] + at);
    for (int at = 128; at < 256; at++) halves[at] = (uint16_t)(bytes[at] << 5 | bytes[at - 128]);
    for (int at = 128; at < 256; at++) out[at] = (int16_t)halves[at] - (int8_t)bytes[2 * at - 256];
}

/* Only where the core has floats: GCC's routines use forms of instructions that the table lacks. */
#if defined __ARM_FP || !defined __arm__
#define FLOATS 1
void work_floats(const int8_t *in, int32_t *out) {
    float sum = 0.5f;
    for (int at = 0; at < 128; at++) {
        float x = (float)in[at] * 0.03125f, y = (float)in[at + 128] + 0.5f;
        sum += x * y;
        /* The quiet comparison; the other one is not in the table either. */
        float z = __builtin_isgreater(x, y) ? x - y : y / (x + 9.25f);
        out[at] = (int32_t)(z * 1000.0f);
        union { float f; int32_t bits; } pun = { sum };
        out[at + 128] = pun.bits;
    }
}
#endif

function *const work[] = { work_nothing, work_products, work_requantise, work_sort, work_divide,
    work_calls, work_choices, work_bytes,
#ifdef FLOATS
    work_floats
#endif
};
const unsigned work_count = sizeof work / sizeof *work;

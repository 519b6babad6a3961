/* Recognises a stored digit, prints which one it is and a hash of the network's output. */
#include "board.h"
#include "digit.h"

static int8_t probabilities[DIGITS_PROBABILITIES_LEN];
/* Working memory; between runs it is free for something else. */
static union { uint8_t bytes[DIGITS_ARENA_BYTES]; uint64_t align; } arena;

/* FNV-1a of 32 bits: one number that tells whether two boards computed the same bytes. */
static uint32_t hash(const int8_t *bytes, size_t count)
{
    uint32_t hash = 2166136261u;
    while (count-- != 0) {
        hash = (hash ^ (uint8_t)*bytes++) * 16777619u;
    }
    return hash;
}

static void print_hex(uint32_t number)
{
    char text[9];
    int i;
    for (i = 0; i < 8; i++) {
        text[i] = "0123456789abcdef"[(number >> (28 - 4 * i)) & 15u];
    }
    text[8] = '\0';
    print(text);
}

int main(void)
{
    char digit[2] = "?";
    if (digits_run(image, probabilities, &arena) != 0) {
        return 1;
    }
    digit[0] = (char)('0' + digits_argmax_probabilities(probabilities));
    print("class ");
    print(digit);
    print(", hash ");
    print_hex(hash(probabilities, sizeof probabilities));
    print("\n");
    return 0;
}

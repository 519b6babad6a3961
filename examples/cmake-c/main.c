/* Two networks in one program: one recognises a stored digit, the other follows the rows of its picture and keeps a state
 * from one to the next. On a device and on the host this prints the same. */
#include "board.h"
#include "digit.h"
#include "stream.h"

#define ROWS (DIGITS_IMAGE_LEN / 8)

static int8_t probabilities[DIGITS_PROBABILITIES_LEN];
static int8_t score[STREAM_SCORE_LEN];
static stream_state state;
/* Networks that do not run at once can share their memory. */
static union {
    uint8_t digits[DIGITS_ARENA_BYTES];
    uint8_t stream[STREAM_ARENA_BYTES];
    uint64_t align;
} arena;

static void print_byte(int8_t byte)
{
    const uint8_t bits = (uint8_t)byte;
    char text[3];
    text[0] = "0123456789abcdef"[bits >> 4];
    text[1] = "0123456789abcdef"[bits & 15u];
    text[2] = '\0';
    print(text);
}

int main(void)
{
    char digit[2] = "?";
    size_t row, i;
    if (digits_run(image, probabilities, &arena) != 0) {
        return 1;
    }
    digit[0] = (char)('0' + digits_argmax_probabilities(probabilities));
    print("class ");
    print(digit);
    print("\n");

    stream_init(&state);
    for (row = 0; row < ROWS; row++) {
        if (stream_run(&state, &image[8 * row], score, &arena) != 0) {
            return 1;
        }
        print(row == 0 ? "scores " : " ");
        for (i = 0; i < STREAM_SCORE_LEN; i++) {
            print_byte(score[i]);
        }
    }
    print("\n");
    return 0;
}

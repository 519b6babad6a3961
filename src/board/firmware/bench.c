/* Lines begin with a word that tells them from whatever else the firmware prints, and the last one has a hash of the
 * others: a damaged log is told from a wrong result. */
static uint32_t printed;

static void put(const char *text)
{
    for (; *text != '\0'; text++) {
        printed = hash_bytes(printed, text, 1);
        tinyc_putchar(*text);
    }
}

static void put_hex(uint32_t number)
{
    char text[9];
    int i;
    for (i = 0; i < 8; i++) {
        text[i] = "0123456789abcdef"[(number >> (28 - 4 * i)) & 15u];
    }
    text[8] = '\0';
    put(text);
}

static void put_number(uint32_t number)
{
    char text[11];
    int i = 10;
    text[i] = '\0';
    do {
        text[--i] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    put(&text[i]);
}

static void end_line(void)
{
    tinyc_putchar('\r');
    tinyc_putchar('\n');
}

/* A count of the processor's cycles. For another one, define TINYC_CLOCK() as an expression that counts up through
 * all 32 bits. */
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYST_CSR REGISTER(0xe000e010u)
#define SYST_RVR REGISTER(0xe000e014u)
#define SYST_CVR REGISTER(0xe000e018u)
#define DEMCR REGISTER(0xe000edfcu)
#define DWT_CTRL REGISTER(0xe0001000u)
#define DWT_CYCCNT REGISTER(0xe0001004u)
#define DWT_LAR REGISTER(0xe0001fb0u)

enum clock { CLOCK_NONE, CLOCK_OWN, CLOCK_DWT, CLOCK_SYSTICK, CLOCK_MCYCLE };
static const char *const clock_names[] = {"none", "own", "dwt", "systick", "mcycle"};

static enum clock find_clock(void)
{
#if defined(TINYC_CLOCK)
    return CLOCK_OWN;
#elif defined(__riscv)
    return CLOCK_MCYCLE;
#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#if __ARM_ARCH_ISA_THUMB >= 2
    uint32_t before;
    volatile int wait;
    DEMCR |= 1u << 24;
    DWT_LAR = 0xc5acce55u;
    DWT_CTRL |= 1u;
    before = DWT_CYCCNT;
    for (wait = 0; wait < 10; wait++) {
    }
    /* A core may have been built without the counter. */
    if (DWT_CYCCNT != before) {
        return CLOCK_DWT;
    }
#endif
    return CLOCK_SYSTICK;
#else
    return CLOCK_NONE;
#endif
}

static uint32_t clock_start, tick_control, tick_reload;

static void start_clock(enum clock clock)
{
    switch (clock) {
#if defined(TINYC_CLOCK)
    case CLOCK_OWN:
        clock_start = TINYC_CLOCK();
        break;
#elif defined(__riscv)
    case CLOCK_MCYCLE:
        __asm__ volatile("csrr %0, mcycle" : "=r"(clock_start));
        break;
#endif
    case CLOCK_DWT:
        clock_start = DWT_CYCCNT;
        break;
    case CLOCK_SYSTICK:
        /* The firmware may have the timer in use: its settings come back in stop_clock. */
        tick_control = SYST_CSR;
        tick_reload = SYST_RVR;
        SYST_CSR = 0;
        SYST_RVR = 0xffffffu;
        SYST_CVR = 0;
        SYST_CSR = 5;
        break;
    default:
        break;
    }
}

/* Whether the cycles are known. */
static int stop_clock(enum clock clock, uint32_t *cycles)
{
    uint32_t now = 0, control;
    switch (clock) {
#if defined(TINYC_CLOCK)
    case CLOCK_OWN:
        now = TINYC_CLOCK();
        break;
#elif defined(__riscv)
    case CLOCK_MCYCLE:
        __asm__ volatile("csrr %0, mcycle" : "=r"(now));
        break;
#endif
    case CLOCK_DWT:
        now = DWT_CYCCNT;
        break;
    case CLOCK_SYSTICK:
        now = SYST_CVR;
        control = SYST_CSR;
        SYST_CSR = 0;
        SYST_RVR = tick_reload;
        SYST_CVR = 0;
        SYST_CSR = tick_control & 7u;
        *cycles = (0u - now) & 0xffffffu;
        /* 24 bits count down, and once at 0 nobody knows how often they were. */
        return (control & (1u << 16)) == 0u;
    default:
        return 0;
    }
    *cycles = now - clock_start;
    return 1;
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t count)
{
    while (count-- != 0u) {
        *to++ = *from++;
    }
}

/* What no network leaves behind, so that an output that was never written is seen. */
static void fill(uint8_t *bytes, uint8_t value, uint32_t count)
{
    while (count-- != 0u) {
        *bytes++ = value;
    }
}

#include "board.h"

#include <stdarg.h>
#include <zephyr/sys/printk.h>

static void number(unsigned int value, unsigned int base, int digits)
{
    char text[12];
    int at = 11;
    text[at] = '\0';
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
        digits--;
    } while (value != 0 || digits > 0);
    print(&text[at]);
}

void printk(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (; *format != '\0'; format++) {
        char text[2] = "?";
        if (*format != '%') {
            text[0] = *format;
            print(text);
            continue;
        }
        switch (*++format) {
        case 'd': number((unsigned int)va_arg(arguments, int), 10, 1); break;
        case 's': print(va_arg(arguments, const char *)); break;
        default:
            format += 2;
            number(va_arg(arguments, unsigned int), 16, 8);
        }
    }
    va_end(arguments);
}

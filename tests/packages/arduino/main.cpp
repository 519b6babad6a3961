// The main function that Arduino's core has, one turn of it.
#include "Arduino.h"

extern "C" {
#include "board.h"
}

void setup();
void loop();

Port Serial;

void Port::print(const char *text) { ::print(text); }

void Port::print(unsigned long number, int base)
{
    char text[24];
    int at = 23;
    text[at] = '\0';
    do {
        text[--at] = "0123456789ABCDEF"[number % (unsigned long)base];
        number /= (unsigned long)base;
    } while (number != 0);
    print(&text[at]);
}

unsigned long micros() { return 7; }
void delay(unsigned long) {}

int main()
{
    setup();
    loop();
    return 0;
}

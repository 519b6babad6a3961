/* A stand-in for Arduino's core: of it what the sketch uses. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdint.h>

#define DEC 10
#define HEX 16

class Port {
public:
    void begin(unsigned long) {}
    operator bool() { return true; }
    void print(const char *text);
    void print(unsigned long number, int base = DEC);
    void print(int number) { print((unsigned long)number); }
    void print(long number) { print((unsigned long)number); }
    template <typename T> void println(T value) { print(value); print("\n"); }
};

extern Port Serial;

unsigned long micros();
void delay(unsigned long);

#endif

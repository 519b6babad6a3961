/* A stand-in for Arduino's core: of it what the sketch uses, and names that it must not use. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdint.h>

#define DEC 10
#define HEX 16

#define PI 3.1415926535897932384626433832795
#define LOW 0x0
#define HIGH 0x1
#define INPUT 0x0
#define OUTPUT 0x1
#define DEFAULT 1
#define B0 0
#define B1 1
#define F(text) (text)
#define bit(position) (1UL << (position))
#define sq(x) ((x) * (x))
typedef uint8_t byte;
typedef unsigned int word;

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

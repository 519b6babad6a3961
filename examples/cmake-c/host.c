/* The board of a program on this machine. */
#include "board.h"

#include <stdio.h>

void print(const char *text)
{
    fputs(text, stdout);
}

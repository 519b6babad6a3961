/* Of Zephyr's header, the one function; %d, %x with eight digits, and %s. */
void printk(const char *format, ...);

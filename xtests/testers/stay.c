/* Lives long enough for somebody to look at it: a quarter of a second. */
#include <unistd.h>

int main(void)
{
	usleep(250000);
	return 0;
}

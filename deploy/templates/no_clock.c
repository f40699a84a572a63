// The device's description does not say how to set its clock: it stays as it is after reset.

#include "clock.h"

int set_up_clock(void) { return 0; }

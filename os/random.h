/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's random source, getrandom(2): waits until it is seeded, then never fails nor blocks.
 */
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include "base/random.h"

extern const struct random_source os_random;

#endif

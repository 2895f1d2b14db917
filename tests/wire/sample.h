/* SPDX-License-Identifier: Apache-2.0 */
/* Fills any structure of the schema by its descriptor: a valid message of every type, for tests. */
#ifndef TESTS_WIRE_SAMPLE_H
#define TESTS_WIRE_SAMPLE_H

#include "wire/wire.h"

/* Large enough for any struct wire_*. */
#define SAMPLE_SIZE_MAX 512

/* fill varies the contents; with_lists: one to two items in each list, else none. */
void sample_message(const struct wire_type *type, uint8_t fill, bool with_lists, void *message);

#endif

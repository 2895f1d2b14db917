/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of the files in tests/vectors (format: the README.md there), for cmocka tests.
 *
 *	struct vectors *vectors = vectors_open("hkdf.txt");
 *	while (vectors_next(vectors)) {
 *		struct bytes ikm = vector_hex(vectors, "ikm");
 *		...
 *	}
 *	vectors_close(vectors);
 *
 * With -Dvectors=FOLDER the build converts the full official files by the same converter, and
 * vectors_open takes those; it prints which it took. Anything malformed or missing fails the test.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct vectors;

struct vectors *vectors_open(const char *file);

/* Fails the test if no block was read at all. */
void vectors_close(struct vectors *vectors);

/* Goes to the next block; false at the end. What the previous one returned is gone then. */
bool vectors_next(struct vectors *vectors);

/* The number of the current block, from 1, and the line on which it starts, for messages. */
unsigned vectors_block(const struct vectors *vectors);
unsigned vectors_line(const struct vectors *vectors);

/* Names are printf formats, so that numbered ones are easy: vector_hex(vectors, "ct_%u", i). */
bool vector_has(struct vectors *vectors, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
struct bytes vector_hex(struct vectors *vectors, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
uint64_t vector_number(struct vectors *vectors, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
const char *vector_text(struct vectors *vectors, const char *name, ...)
	__attribute__((format(printf, 2, 3)));

#endif

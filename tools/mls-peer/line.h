/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request lines: words separated by one space. A welcome of ten thousand members is megabytes of hex, so a
 * line is read into memory that grows, up to a limit; bytes are decoded in place.
 */
#ifndef MLS_PEER_LINE_H
#define MLS_PEER_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sotto/bytes.h>
#include <sotto/error.h>

/* A welcome with tree for 50,000 members of a post-quantum suite is about 600 MB of hex. */
#define LINE_LEN_MAX ((size_t)1 << 30)

struct line {
	char *text; /* terminated, without the newline */
	size_t len;
	size_t capacity;
	char **words; /* in text, each terminated */
	size_t *word_lens;
	size_t count;
	size_t word_capacity;
};

enum line_result {
	LINE_READ,
	LINE_TOO_LONG, /* skipped to its end */
	LINE_END,      /* nothing more comes */
};

enum line_result line_read(struct line *line, FILE *in);

/* False: two spaces, one at an end, a zero byte, or no word at all. */
bool line_split(struct line *line);

/* Wipes: requests hold secrets. */
void line_release(struct line *line);

/*
 * Decimal, nothing else, at most max; bytes in hex, `-` for none: they replace the word. Else
 * SOTTO_ERR_FORMAT.
 */
enum sotto_err word_number(const char *word, uint64_t max, uint64_t *number);
enum sotto_err word_bytes(char *word, size_t len, struct bytes *bytes);

#endif

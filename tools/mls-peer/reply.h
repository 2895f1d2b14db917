/* SPDX-License-Identifier: Apache-2.0 */
/* Reply lines. A command says its words when nothing can fail any more; the first of them says `ok` before. */
#ifndef MLS_PEER_REPLY_H
#define MLS_PEER_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sotto/bytes.h>

struct reply {
	FILE *out;
	bool begun;
};

/* A word of bytes in hex, of a number, of plain text. */
void reply_bytes(struct reply *reply, struct bytes bytes);
void reply_number(struct reply *reply, uint64_t number);
void reply_text(struct reply *reply, const char *text);

/* `<number>:<hex>` */
void reply_pair(struct reply *reply, uint64_t number, struct bytes bytes);

/* Ends the line and flushes; false if nobody can read it. reply_err instead of all words. */
bool reply_end(struct reply *reply);
void reply_err(struct reply *reply, const char *text, const char *more);

#endif

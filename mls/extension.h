/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension lists (RFC 9420 sections 11.1, 13.4). A list stays what it was on the wire, the content
 * of its vector, so unknown and GREASE entries survive byte for byte; these functions look into it.
 */
#ifndef MLS_EXTENSION_H
#define MLS_EXTENSION_H

#include "base/reader.h"
#include "base/writer.h"
#include "mls/include/sotto/mls.h"

/* One list has at most so many entries: the search for duplicates is quadratic. */
#define EXTENSION_COUNT_MAX 512

/* 13.4: well formed, no type twice. The length is the caller's limit. */
MUST_USE enum sotto_err extensions_check(struct bytes list);

/* Reads Extension extensions<V> and checks it; the list without its header. */
struct bytes extensions_read(struct reader *reader);

/* Writes the content of a list, without header. */
void extensions_write(struct writer *writer, const struct mls_extension *extensions, size_t count);

/* Iteration over a list that was checked: false at the end. */
bool extensions_next(struct reader *reader, struct mls_extension *extension);

/* The types of section 17.3 that every client has and no one lists. */
bool extension_is_default(uint16_t type);

/* RequiredCapabilities (11.1): three lists of uint16, without headers. */
struct required_capabilities {
	struct bytes extensions;
	struct bytes proposals;
	struct bytes credentials;
};

/* Out of a group context's list; all empty when it has none. */
MUST_USE enum sotto_err required_capabilities_find(struct bytes list,
						   struct required_capabilities *required);

/* Lists of uint16 as they stand on the wire. */
bool u16_list_has(struct bytes list, uint16_t value);
size_t u16_list_count(struct bytes list);
uint16_t u16_list_at(struct bytes list, size_t index);

/* uint16 list<V>: an odd length is a format error. */
struct bytes u16_list_read(struct reader *reader);

#endif

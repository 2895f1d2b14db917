/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message between phone and relay and between processes.
 *
 * A structure is described once, in a schema header. From that line come struct wire_NAME, its
 * descriptor wire_NAME_type, and typed doors to the one encoder and the one decoder:
 *
 *   struct wire_append append = {...};
 *   err = wire_append_encode(&append, &writer);
 *   err = wire_append_decode(input, &append);
 *
 * Fixed fields are copied; opaque, record, rest and list fields borrow from the input of the
 * decoder. A message is its number (one byte) and its fields in order; a part (an item of lists)
 * has no number.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/writer.h"
#include "wire/limits.h"
#include "wire/schema_phone.h"
#include "wire/schema_relay.h"
#include "wire/schema_sottod.h"

enum wire_kind {
	WIRE_KIND_U8,
	WIRE_KIND_U16,
	WIRE_KIND_U32,
	WIRE_KIND_U64,
	WIRE_KIND_FIXED,  /* exactly limit bytes */
	WIRE_KIND_OPAQUE, /* opaque<V>, at most limit bytes */
	WIRE_KIND_RECORD, /* opaque<V> of one of the four record sizes */
	WIRE_KIND_LIST,	  /* item<V>, at most limit items */
	WIRE_KIND_REST,	  /* what is left, at most limit bytes; the last field only */
};

/* Numbers are unique within a family; a channel carries one family. */
enum wire_family {
	WIRE_FAMILY_PART,
	WIRE_FAMILY_RELAY,
	WIRE_FAMILY_DATAGRAM,
	WIRE_FAMILY_SOTTOD,
	WIRE_FAMILY_PHONE,
};

struct wire_field {
	const char *name;
	const char *words;
	const struct wire_type *item;
	uint32_t limit;
	uint16_t offset;
	enum wire_kind kind;
};

struct wire_type {
	const char *name;
	const char *words;
	const struct wire_field *fields;
	size_t field_count;
	size_t size;
	enum wire_family family;
	uint8_t number;
};

/*
 * A list. To encode: items and count, or encoded as it came from a decoder. After decoding: count
 * and encoded, every item checked; walk it with a cursor.
 */
struct wire_list {
	const void *items;
	size_t count;
	struct bytes encoded;
};

struct wire_cursor {
	const struct wire_list *list;
	size_t index;
	struct reader reader;
};

struct wire_cursor wire_list_walk(const struct wire_list *list);

/* Writes number (if any) and fields. Lengths beyond the schema's fail the writer with
 * SOTTO_ERR_LIMIT. */
MUST_USE enum sotto_err wire_encode(const struct wire_type *type, const void *message,
				    struct writer *writer);

/*
 * The whole input is one message of this type, else SOTTO_ERR_FORMAT or SOTTO_ERR_LIMIT and message
 * is untouched.
 */
MUST_USE enum sotto_err wire_decode(const struct wire_type *type, struct bytes input,
				    void *message);

/* The encoded length; 0 if the message cannot be encoded. */
size_t wire_measure(const struct wire_type *type, const void *message);

/* The next item of a list into item; false at the end. */
bool wire_list_next(struct wire_cursor *cursor, const struct wire_type *type, void *item);

/* By the first byte of input; NULL: no such message in this family. */
const struct wire_type *wire_identify(enum wire_family family, struct bytes input);

/* All types in the order of the schemas. */
extern const struct wire_type *const wire_types[];
extern const size_t wire_type_count;

/* One of the four sizes of a record? */
bool wire_record_len_valid(size_t len);

/* Writes the Markdown tables of a family, as they stand in docs/protocol.md, to a growing writer.
 */
void wire_write_tables(enum wire_family family, struct writer *writer);

/* The table of one type, for those who describe structures of their own (wire/define.h). */
void wire_write_type(const struct wire_type *type, struct writer *writer);

#define WIRE_MEMBER_U8(name, limit)			  uint8_t name;
#define WIRE_MEMBER_U16(name, limit)			  uint16_t name;
#define WIRE_MEMBER_U32(name, limit)			  uint32_t name;
#define WIRE_MEMBER_U64(name, limit)			  uint64_t name;
#define WIRE_MEMBER_FIXED(name, limit)			  uint8_t name[limit];
#define WIRE_MEMBER_OPAQUE(name, limit)			  struct bytes name;
#define WIRE_MEMBER_RECORD(name, limit)			  struct bytes name;
#define WIRE_MEMBER_LIST(name, limit)			  struct wire_list name;
#define WIRE_MEMBER_REST(name, limit)			  struct bytes name;
#define WIRE_MEMBER(self, kind, name, limit, item, words) WIRE_MEMBER_##kind(name, limit)

#define WIRE_DECLARE(family_, name, number_, words_) \
	struct wire_##name { \
		WIRE_FIELDS_##name(WIRE_MEMBER, name) \
	}; \
	extern const struct wire_type wire_##name##_type; \
	static inline MUST_USE enum sotto_err wire_##name##_encode( \
		const struct wire_##name *message, struct writer *writer) \
	{ \
		return wire_encode(&wire_##name##_type, message, writer); \
	} \
	static inline MUST_USE enum sotto_err wire_##name##_decode(struct bytes input, \
								   struct wire_##name *message) \
	{ \
		return wire_decode(&wire_##name##_type, input, message); \
	} \
	static inline bool wire_##name##_next(struct wire_cursor *cursor, \
					      struct wire_##name *item) \
	{ \
		return wire_list_next(cursor, &wire_##name##_type, item); \
	}

#define WIRE_STRUCTURES(S) \
	WIRE_RELAY_STRUCTURES(S) \
	WIRE_SOTTOD_STRUCTURES(S) \
	WIRE_PHONE_STRUCTURES(S)

WIRE_STRUCTURES(WIRE_DECLARE)

/* The numbers, for switches: WIRE_APPEND would shout, so they keep the name's case. */
enum wire_number {
#define WIRE_NUMBER(family, name, number, words) wire_number_##name = (number),
	WIRE_STRUCTURES(WIRE_NUMBER)
#undef WIRE_NUMBER
};

/* The statuses of done. Few, so that they tell little; only appended. */
#define WIRE_STATUSES(X) \
	X(OK, 0, "done") \
	X(REFUSED, 1, "not with this link's authority, token or signatures") \
	X(MALFORMED, 2, "does not parse, or breaks a rule of the request") \
	X(NOT_FOUND, 3, "no such drop") \
	X(QUOTA, 4, "over a quota of the link, drop or room; retry_ms says when") \
	X(FULL, 5, "the relay's disk limit is reached") \
	X(BUSY, 6, "too many requests at once; retry_ms says when") \
	X(STALE, 7, "the number or serial is not the next one") \
	X(FAILED, 8, "the relay could not store it")

enum wire_status {
#define WIRE_STATUS(name, number, words) WIRE_STATUS_##name = (number),
	WIRE_STATUSES(WIRE_STATUS)
#undef WIRE_STATUS
};

/* Flags of a drop; part of its name. Others are refused. */
#define WIRE_DROP_INBOX	   0x01 /* its reader may trim it; a porch link may read it */
#define WIRE_DROP_CATCH_UP 0x02 /* a link in catch-up may read it */
#define WIRE_DROP_FILE	   0x04 /* a porch link and one in catch-up may read it; nobody trims it */
#define WIRE_DROP_FLAGS	   (WIRE_DROP_INBOX | WIRE_DROP_CATCH_UP | WIRE_DROP_FILE)

/* What a link may do; the table is in relay/authority.c. */
enum wire_authority {
	WIRE_AUTHORITY_NONE = 0,
	WIRE_AUTHORITY_CLAIM = 1,
	WIRE_AUTHORITY_PORCH = 2,
	WIRE_AUTHORITY_CATCH_UP = 3,
	WIRE_AUTHORITY_FULL = 4,
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case of a vector file, and what the runners share: getting fields, and saying what is wrong.
 *
 * A case is a jansson object. Compact files (tests/vectors/mls-*.txt) become the same objects: a
 * line `epochs.0.joiner_secret = ab01` is a member of an element of an array.
 */
#ifndef MLS_VECTORS_CASE_H
#define MLS_VECTORS_CASE_H

#include <jansson.h>

#include "mls/epoch.h"

enum verdict {
	PASSED,
	FAILED,
	SKIPPED, /* needs what the library does not have yet: said with its reason */
};

/* All the hex of a case is decoded into memory that lives as long as the case. */
struct vector_case {
	json_t *json;
	struct mls_config config;
	void *chunks;
	const char *reason; /* of the first failure, or of the skip */
	bool missing;	    /* a field that must be there is not */
};

typedef enum verdict run_case(struct vector_case *vector);

/* Fields: object is the case's or an inner one. Missing or malformed ones are noted in the case. */
struct bytes get_hex(struct vector_case *vector, const json_t *object, const char *name);
uint64_t get_number(struct vector_case *vector, const json_t *object, const char *name);
/* A number of bytes; SIZE_MAX, which no buffer has, where it is more than an address can count. */
size_t get_len(struct vector_case *vector, const json_t *object, const char *name);
const char *get_text(struct vector_case *vector, const json_t *object, const char *name);
const json_t *get_array(struct vector_case *vector, const json_t *object, const char *name);
const json_t *get_object(struct vector_case *vector, const json_t *object, const char *name);

/* Absent or null. */
bool is_null(const json_t *object, const char *name);

struct bytes decode_hex(struct vector_case *vector, const json_t *value);
struct secret get_secret(struct vector_case *vector, const json_t *object, const char *name);
struct secret get_private(struct vector_case *vector, const json_t *object, const char *name,
			  size_t len);
const struct suite *get_suite(struct vector_case *vector);

/* Free the case's memory. */
void vector_case_finish(struct vector_case *vector);

enum verdict fail_case(struct vector_case *vector, const char *reason);
enum verdict skip_case(struct vector_case *vector, const char *reason);

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			return fail_case(vector, #condition); \
	} while (0)

/* Equal to a field in hex. */
#define CHECK_HEX(object, name, pointer, length) \
	do { \
		if (!bytes_equal(BYTES((pointer), (length)), get_hex(vector, (object), (name)))) \
			return fail_case(vector, (name)); \
	} while (0)

run_case run_tree_math, run_deserialization, run_crypto_basics, run_key_schedule, run_secret_tree,
	run_message_protection, run_transcript_hashes, run_welcome, run_tree_operations,
	run_tree_validation, run_treekem, run_passive, run_messages, run_psk_secret;

#endif

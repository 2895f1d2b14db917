/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees with a leaf that breaks a rule, shown to who joins (RFC 9420 sections 7.2, 7.3, 12.4.3.1,
 * 12.4.3.3, 13.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/mls/hostile_tree.h"

static void nothing(struct parts *parts)
{
	(void)parts;
}

#define VICTIM 2

static uint8_t some_types[16];

static struct bytes types_are(const uint16_t *types, size_t count)
{
	struct writer out;

	writer_init_fixed(&out, some_types, sizeof(some_types));
	hostile_types_write(&out, types, count);
	return writer_bytes(&out);
}

static struct leaf_view *victim(struct parts *parts)
{
	return &parts->nodes[2 * VICTIM].leaf;
}

static void leaf_signature(struct parts *parts)
{
	tree_leaf_sign(parts, VICTIM, 3);
}

/* An update's leaf, signed for one place and put into another. */
static void leaf_moved(struct parts *parts)
{
	victim(parts)->source = LEAF_UPDATE;
	tree_leaf_sign(parts, VICTIM, VICTIM);
	parts->nodes[2 * REMOVED].encoded = parts->nodes[2 * VICTIM].encoded;
	parts->nodes[2 * VICTIM].encoded = BYTES_NONE;
	parts->nodes[2 * VICTIM].type = BLANK;
}

static void leaf_version(struct parts *parts)
{
	victim(parts)->versions = types_are((uint16_t[]){2}, 1);
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_lacks_credentials(struct parts *parts)
{
	victim(parts)->credential.type = 0x0a0a;
	victim(parts)->credential_types = types_are((uint16_t[]){0x0a0a}, 1);
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_own_credential(struct parts *parts)
{
	victim(parts)->credential_types = types_are((uint16_t[]){0x0a0a}, 1);
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_lacks_extension(struct parts *parts)
{
	victim(parts)->extension_types = BYTES_NONE;
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_unlisted_extension(struct parts *parts)
{
	victim(parts)->extensions = BYTES_TEXT("\xf3\x21\0");
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_key_short(struct parts *parts)
{
	victim(parts)->encryption_key.len--;
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_key_twice(struct parts *parts)
{
	victim(parts)->encryption_key = parts->nodes[0].leaf.encryption_key;
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

static void leaf_signature_key_twice(struct parts *parts)
{
	victim(parts)->signature_key = parts->nodes[0].leaf.signature_key;
	tree_leaf_sign(parts, VICTIM, 0);
}

static void leaf_old(struct parts *parts)
{
	victim(parts)->lifetime = (struct mls_lifetime){1, 2};
	tree_leaf_sign(parts, VICTIM, VICTIM);
}

/* Where the caller says what time it is. */
static void leaf_too_old(struct parts *parts)
{
	leaf_old(parts);
	parts->now_s = 3;
}

/* The joiner in LAST's place, and two blank nodes that need not be told. */
static void last_blank(struct parts *parts)
{
	parts->nodes[2 * LAST].encoded = parts->nodes[2 * JOINER].encoded;
	parts->nodes[2 * JOINER].type = BLANK;
	parts->nodes[2 * JOINER].encoded = BYTES_NONE;
	parts->signer = 0;
}

/* The same, told as it must be. */
static void last_left_out(struct parts *parts)
{
	last_blank(parts);
	parts->count = NODES - 2;
}

static void joiner_missing(struct parts *parts)
{
	parts->nodes[2 * JOINER].type = BLANK;
	parts->nodes[2 * JOINER].encoded = BYTES_NONE;
	parts->count = NODES - 2;
}

static void joiner_other(struct parts *parts)
{
	parts->nodes[2 * JOINER].leaf.lifetime.not_after--;
	tree_leaf_sign(parts, JOINER, JOINER);
}

static void signer_blank(struct parts *parts)
{
	parts->nodes[2 * LAST].type = BLANK;
	parts->nodes[2 * LAST].encoded = BYTES_NONE;
}

static const struct tree_case leaves[] = {
	{"all right", nothing, SOTTO_OK},
	{"7.3: signature", leaf_signature, SOTTO_ERR_VERIFY},
	{"7.2: another's place", leaf_moved, SOTTO_ERR_VERIFY},
	{"7.2: the version not listed", leaf_version, SOTTO_ERR_INVALID},
	{"7.3: others' credentials not supported", leaf_lacks_credentials, SOTTO_ERR_INVALID},
	{"7.3: its credential not listed", leaf_own_credential, SOTTO_ERR_INVALID},
	{"13.4: the group's extension", leaf_lacks_extension, SOTTO_ERR_INVALID},
	{"7.3: its extension not listed", leaf_unlisted_extension, SOTTO_ERR_INVALID},
	{"7.1: length of its key", leaf_key_short, SOTTO_ERR_INVALID},
	{"7.3: an encryption key twice", leaf_key_twice, SOTTO_ERR_INVALID},
	{"7.3: a signature key twice", leaf_signature_key_twice, SOTTO_ERR_INVALID},
	{"7.3: out of its lifetime, by no clock", leaf_old, SOTTO_OK},
	{"7.3: out of its lifetime", leaf_too_old, SOTTO_ERR_INVALID},
	{"12.4.3.3: blanks left out", last_left_out, SOTTO_OK},
	{"12.4.3.3: the last node blank", last_blank, SOTTO_ERR_INVALID},
	{"12.4.3.1: our leaf missing", joiner_missing, SOTTO_ERR_INVALID},
	{"12.4.3.1: our leaf another", joiner_other, SOTTO_ERR_INVALID},
	{"12.4.3.1: signer blank", signer_blank, SOTTO_ERR_INVALID},
};

static void test_leaves(void **state)
{
	(void)state;
	tree_cases_run(leaves, ARRAY_LEN(leaves), false, 0);
}

/* A tree wider than the caller's limit is not even read. */
static void test_width(void **state)
{
	static const struct tree_case too_wide[] = {{"too wide", nothing, SOTTO_ERR_LIMIT}};
	static const struct tree_case all_right[] = {{"all right", nothing, SOTTO_OK}};

	(void)state;
	tree_cases_run(too_wide, 1, false, WIDTH / 2);
	tree_cases_run(all_right, 1, false, WIDTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

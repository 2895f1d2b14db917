/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases as tools/release.py makes them (those of fuzz/seeds/release), and bent: each byte of a tar, each end that it may have, each
 * rule of a manifest. What is installed is in tests/phone/test_release.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "release/verify.h"

#define INPUT_MAX  65536
#define HEAD	   "sotto-release 1 0.1.0 x86_64-linux-gnu\n"
#define HASH	   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LINE(path) HASH " 0644 " path "\n"

static uint8_t tar[INPUT_MAX];
static size_t tar_len;

static size_t read_seed(const char *name, uint8_t *out)
{
	char path[4096];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/fuzz/seeds/release/%s", getenv("SOTTO_SOURCE"), name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(out, 1, INPUT_MAX, file);
	fclose(file);
	return len;
}

static int setup(void **state)
{
	(void)state;
	tar_len = read_seed("tar", tar);
	return 0;
}

static enum release_fault fault_of(struct bytes input)
{
	struct release_verdict verdict;

	release_verify(input, &verdict);
	return verdict.fault;
}

static void test_good(void **state)
{
	static uint8_t text[INPUT_MAX];
	size_t len = read_seed("manifest", text);
	struct release_verdict whole, alone;
	struct release_file file;
	struct bytes left;

	(void)state;
	release_verify(BYTES(tar, tar_len), &whole);
	assert_int_equal(whole.fault, RELEASE_GOOD);
	assert_true(whole.files);
	release_verify(BYTES(text, len), &alone);
	assert_int_equal(alone.fault, RELEASE_GOOD);
	assert_false(alone.files);
	assert_memory_equal(whole.manifest.hash, alone.manifest.hash, RELEASE_HASH_LEN);
	assert_int_equal(alone.manifest.count, 3);
	assert_true(bytes_equal(alone.manifest.version, BYTES_TEXT("0.1.0")));
	assert_true(bytes_equal(alone.manifest.architecture, BYTES_TEXT("x86_64-linux-gnu")));
	left = alone.manifest.lines;
	assert_true(release_manifest_next(&left, &file));
	assert_true(bytes_equal(file.path, BYTES_TEXT("bin/sotto")));
	assert_int_equal(file.mode, RELEASE_PROGRAM);
	assert_true(release_manifest_next(&left, &file));
	assert_int_equal(file.mode, RELEASE_PLAIN);
	assert_true(release_manifest_next(&left, &file));
	assert_int_equal(file.mode, RELEASE_LINK);
	assert_false(release_manifest_next(&left, &file));
}

/* There is no byte in it that may be another one: but for the manifest, whose hash is then another one, too. */
static void test_each_byte_counts(void **state)
{
	struct release_verdict good, bent;

	(void)state;
	release_verify(BYTES(tar, tar_len), &good);
	for (size_t at = 0; at < tar_len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			tar[at] ^= (uint8_t)(1u << bit);
			release_verify(BYTES(tar, tar_len), &bent);
			assert_true(bent.fault != RELEASE_GOOD ||
				    memcmp(bent.manifest.hash, good.manifest.hash,
					   RELEASE_HASH_LEN) != 0);
			tar[at] ^= (uint8_t)(1u << bit);
		}
	}
	for (size_t len = 0; len < tar_len; len++)
		assert_int_not_equal(fault_of(BYTES(tar, len)), RELEASE_GOOD);
	memset(tar + tar_len, 0, 1024);
	assert_int_equal(fault_of(BYTES(tar, tar_len + 512)), RELEASE_NOT_ONE);
	assert_int_equal(fault_of(BYTES(tar, tar_len + 1024)), RELEASE_NOT_ONE);
}

/* The block of a tar in which this path stands. */
static size_t block_of(const char *path)
{
	for (size_t at = 0; at + 512 <= tar_len; at += 512) {
		if (strcmp((const char *)tar + at, path) == 0)
			return at;
	}
	fail_msg("no block of %s", path);
	return 0;
}

static void cut(size_t at, size_t len)
{
	memmove(tar + at, tar + at + len, tar_len - at - len);
	tar_len -= len;
}

static void assert_fault(enum release_fault fault, const char *path)
{
	struct release_verdict verdict;

	release_verify(BYTES(tar, tar_len), &verdict);
	assert_int_equal(verdict.fault, fault);
	assert_true(bytes_equal(verdict.path, BYTES(path, strlen(path))));
}

static void test_missing(void **state)
{
	static const struct {
		const char *path;
		size_t len;
	} files[] = {{"bin/sotto", 1024}, {"share/x", 512}, {"share/y", 512}};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		setup(state);
		cut(block_of(files[i].path), files[i].len);
		assert_fault(RELEASE_MISSING, files[i].path);
	}
	setup(state);
	cut(block_of(RELEASE_MANIFEST_PATH), 1024);
	assert_fault(RELEASE_NO_MANIFEST, "");
}

static void test_other_bytes(void **state)
{
	setup(state);
	tar[block_of("bin/sotto") + 512] ^= 1;
	assert_fault(RELEASE_OTHER_BYTES, "bin/sotto");
}

static void put_sum(size_t at)
{
	uint64_t sum = 0;
	char text[8];

	memset(tar + at + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += tar[at + i];
	snprintf(text, sizeof(text), "%06o", (unsigned)sum & 0777777);
	memcpy(tar + at + 148, text, 7);
}

static void test_other_mode(void **state)
{
	size_t at;

	setup(state);
	at = block_of("share/x");
	memcpy(tar + at + 100, "0000755", 7);
	put_sum(at);
	assert_fault(RELEASE_OTHER_MODE, "share/x");
	/* A mode that no release has: not even the sum of its header makes it one. */
	memcpy(tar + at + 100, "0004755", 7);
	put_sum(at);
	assert_fault(RELEASE_NOT_ONE, "");
}

/* A name that is not in the manifest; and names that lead elsewhere. */
static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum release_fault fault;
		const char *path;
	} cases[] = {
		{"bin/sottp", RELEASE_TOO_MUCH, "bin/sottp"},
		{"bin/sott", RELEASE_TOO_MUCH, "bin/sott"},
		{"/bin/sott", RELEASE_NOT_ONE, ""},
		{"../bin/so", RELEASE_NOT_ONE, ""},
		{"bin/../so", RELEASE_NOT_ONE, ""},
		{"bin/sot/.", RELEASE_NOT_ONE, ""},
		{"bin//sott", RELEASE_NOT_ONE, ""},
		{"bin/sott/", RELEASE_NOT_ONE, ""},
		{"bin/so\nto", RELEASE_NOT_ONE, ""},
		{"share/zzz", RELEASE_NOT_ONE, ""}, /* out of order */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t at;

		setup(state);
		at = block_of("bin/sotto");
		memset(tar + at, 0, 100);
		memcpy(tar + at, cases[i].name, strlen(cases[i].name));
		put_sum(at);
		if (cases[i].fault == RELEASE_TOO_MUCH && strlen(cases[i].name) == 9)
			assert_fault(RELEASE_MISSING, "bin/sotto");
		else
			assert_fault(cases[i].fault, cases[i].path);
	}
}

/* A link leads to a name beside it, and to no other place. */
static void test_targets(void **state)
{
	static const char *const targets[] = {"", ".", "..", "/", "/etc", "../x", "a/b", "x y"};

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		size_t at;

		setup(state);
		at = block_of("share/y");
		memset(tar + at + 157, 0, 100);
		memcpy(tar + at + 157, targets[i], strlen(targets[i]));
		put_sum(at);
		assert_fault(RELEASE_NOT_ONE, "");
	}
	tar[block_of("share/y") + 157] = 'z';
	memset(tar + block_of("share/y") + 158, 0, 10);
	put_sum(block_of("share/y"));
	assert_fault(RELEASE_OTHER_BYTES, "share/y");
}

static void test_manifests(void **state)
{
	static const struct {
		const char *text;
		enum sotto_err err;
	} cases[] = {
		{HEAD LINE("a") LINE("b"), SOTTO_OK},
		{HEAD LINE("a-b/c.d/e") LINE("b"), SOTTO_OK},
		{HEAD, SOTTO_ERR_FORMAT},
		{HEAD LINE("b") LINE("a"), SOTTO_ERR_FORMAT},
		{HEAD LINE("a") LINE("a"), SOTTO_ERR_FORMAT},
		{HEAD LINE("a") "\n", SOTTO_ERR_FORMAT},
		{HEAD HASH " 0644 a", SOTTO_ERR_FORMAT},
		{HEAD HASH " 0600 a\n", SOTTO_ERR_FORMAT},
		{HEAD HASH " 4755 a\n", SOTTO_ERR_FORMAT},
		{HEAD HASH "  0644 a\n", SOTTO_ERR_FORMAT},
		{HEAD HASH " 0644 a b\n", SOTTO_ERR_FORMAT},
		{HEAD HASH " 0644 a\r\n", SOTTO_ERR_FORMAT},
		{HEAD HASH " 0644 \n", SOTTO_ERR_FORMAT},
		{HEAD HASH "00 0644 a\n", SOTTO_ERR_FORMAT},
		{HEAD "E3" HASH " 0644 a\n", SOTTO_ERR_FORMAT},
		{HEAD LINE("/a"), SOTTO_ERR_FORMAT},
		{HEAD LINE("../a"), SOTTO_ERR_FORMAT},
		{HEAD LINE("a/../b"), SOTTO_ERR_FORMAT},
		{HEAD LINE("a/."), SOTTO_ERR_FORMAT},
		{HEAD LINE("a//b"), SOTTO_ERR_FORMAT},
		{HEAD LINE("a/"), SOTTO_ERR_FORMAT},
		{HEAD LINE(RELEASE_MANIFEST_PATH), SOTTO_ERR_FORMAT},
		{"sotto-release 2 0.1.0 x86_64\n" LINE("a"), SOTTO_ERR_VERSION},
		{"sotto-release 1 0.1.0\n" LINE("a"), SOTTO_ERR_FORMAT},
		{"sotto-release 1  x86_64\n" LINE("a"), SOTTO_ERR_FORMAT},
		{"sotto-release 1 0.1.0 x86_64 more\n" LINE("a"), SOTTO_ERR_FORMAT},
		{"sotto-releases 1 0.1.0 x86_64\n" LINE("a"), SOTTO_ERR_FORMAT},
		{"", SOTTO_ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct release_manifest manifest;

		assert_int_equal(release_manifest_read(BYTES(cases[i].text, strlen(cases[i].text)),
						       &manifest),
				 cases[i].err);
	}
}

/* As many files as there may be, and one more; a path as long as it may be, and longer. */
static void test_limits(void **state)
{
	static char text[RELEASE_MANIFEST_MAX + 512];
	struct release_manifest manifest;
	char path[RELEASE_PATH_MAX + 2];
	size_t len = (size_t)snprintf(text, sizeof(text), HEAD);

	(void)state;
	for (unsigned i = 0; i <= RELEASE_FILES_MAX; i++) {
		enum sotto_err err;

		memset(path, 'p', sizeof(path));
		snprintf(path + RELEASE_PATH_MAX - 4, 5, "%04u", i);
		len += (size_t)snprintf(text + len, sizeof(text) - len, HASH " 0755 %s\n", path);
		err = release_manifest_read(BYTES(text, len), &manifest);
		assert_int_equal(err, i < RELEASE_FILES_MAX ? SOTTO_OK : SOTTO_ERR_LIMIT);
	}
	memset(path, 'p', sizeof(path));
	path[RELEASE_PATH_MAX + 1] = '\0';
	len = (size_t)snprintf(text, sizeof(text), HEAD HASH " 0755 %s\n", path);
	assert_int_equal(release_manifest_read(BYTES(text, len), &manifest), SOTTO_ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, setup),
		cmocka_unit_test_setup(test_each_byte_counts, setup),
		cmocka_unit_test_setup(test_missing, setup),
		cmocka_unit_test_setup(test_other_bytes, setup),
		cmocka_unit_test_setup(test_other_mode, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_targets, setup),
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

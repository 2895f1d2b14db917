/* SPDX-License-Identifier: Apache-2.0 */
/* Initialisation, guarded memory and passphrases. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/guarded.h"
#include "crypto/init.h"
#include "crypto/password.h"
#include "tests/vectors.h"

static void test_init(void **state)
{
	(void)state;
	assert_int_equal(crypto_init(), SOTTO_OK);
	assert_int_equal(crypto_init(), SOTTO_OK);
	(void)crypto_aes_is_constant_time();
}

static void test_guarded(void **state)
{
	(void)state;
	for (size_t len = 0; len < 100; len++) {
		void *memory = NULL;
		bool locked;

		assert_int_equal(guarded_create(len, &locked, &memory), SOTTO_OK);
		assert_int_equal((uintptr_t)memory % 16, 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(((uint8_t *)memory)[i], 0);
		memset(memory, 0xaa, len);
		assert_int_equal(guarded_protect(memory, GUARDED_READ), SOTTO_OK);
		if (len != 0)
			assert_int_equal(*(uint8_t *)memory, 0xaa);
		assert_int_equal(guarded_protect(memory, GUARDED_NONE), SOTTO_OK);
		guarded_destroy(memory);
	}
	guarded_destroy(NULL);
}

static void test_guarded_limits(void **state)
{
	void *memory = NULL;

	(void)state;
	/* More than an address space has left, of 32 bits too: half of that one can be had. */
	assert_int_equal(guarded_create(SIZE_MAX, NULL, &memory), SOTTO_ERR_NO_MEMORY);
	assert_int_equal(guarded_create(SIZE_MAX - UINT16_MAX, NULL, &memory), SOTTO_ERR_NO_MEMORY);
	assert_null(memory);
}

/* Does a child die of it? Writes are one past the end, and where writing or reading was forbidden. */
static bool dies(enum guarded_access access, size_t at, bool write)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		volatile uint8_t *bytes;
		void *memory;

		/* Its own death is what is tested: no handler of the test, or of a sanitizer. */
		signal(SIGSEGV, SIG_DFL);
		if (guarded_create(64, NULL, &memory) != SOTTO_OK ||
		    guarded_protect(memory, access) != SOTTO_OK)
			_exit(0);
		bytes = memory;
		if (write)
			bytes[at] = 1;
		else
			(void)bytes[at];
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void test_guarded_faults(void **state)
{
	(void)state;
	assert_false(dies(GUARDED_WRITE, 63, true));
	assert_true(dies(GUARDED_WRITE, 64, true));
	assert_true(dies(GUARDED_WRITE, 64, false));
	assert_false(dies(GUARDED_READ, 0, false));
	assert_true(dies(GUARDED_READ, 0, true));
	assert_true(dies(GUARDED_NONE, 0, false));
}

/* Made with the reference implementation: argon2 SALT -id -v 13 -t PASSES -k MEMORY -p 1 -l 32 -r. */
static void test_password(void **state)
{
	static const struct {
		struct password_cost cost;
		uint8_t expected[PASSWORD_KEY_LEN];
	} table[] = {
		{{1, 8}, {0x7c, 0x66, 0xe8, 0x22, 0xfc, 0xe5, 0x92, 0xdd, 0x5e, 0x53, 0xb2,
			  0x67, 0x5a, 0x96, 0x85, 0xa0, 0x28, 0x85, 0x75, 0x0a, 0xa3, 0xe3,
			  0x5c, 0x4a, 0x25, 0x6f, 0xf1, 0xe8, 0x70, 0xb8, 0x1e, 0xee}},
		{{3, 1024}, {0xbf, 0x30, 0xb4, 0x6a, 0x26, 0xad, 0x5c, 0x87, 0x6e, 0xcb, 0x04,
			     0x71, 0x6e, 0xc4, 0x33, 0x17, 0xe6, 0x47, 0xac, 0x25, 0x18, 0x6c,
			     0x5c, 0xcd, 0x2a, 0x37, 0x40, 0x0f, 0xda, 0x9b, 0x66, 0x52}},
	};
	struct bytes salt = BYTES_TEXT("somesaltsomesalt");
	struct secret key;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(
			password_derive(table[i].cost, BYTES_TEXT("correct horse"), salt, &key),
			SOTTO_OK);
		assert_int_equal(key.len, PASSWORD_KEY_LEN);
		assert_memory_equal(key.data, table[i].expected, PASSWORD_KEY_LEN);
	}
	assert_int_equal(
		password_derive(PASSWORD_COST_TESTING, BYTES_TEXT("correct house"), salt, &key),
		SOTTO_OK);
	assert_memory_not_equal(key.data, table[0].expected, PASSWORD_KEY_LEN);
}

static void test_password_limits(void **state)
{
	static const struct {
		struct password_cost cost;
		size_t salt_len;
		enum sotto_err err;
	} table[] = {
		{{1, 8}, PASSWORD_SALT_LEN, SOTTO_OK},
		{{PASSWORD_PASSES_MAX, 8}, PASSWORD_SALT_LEN, SOTTO_OK},
		{{0, 8}, PASSWORD_SALT_LEN, SOTTO_ERR_LIMIT},
		{{PASSWORD_PASSES_MAX + 1, 8}, PASSWORD_SALT_LEN, SOTTO_ERR_LIMIT},
		{{1, 7}, PASSWORD_SALT_LEN, SOTTO_ERR_LIMIT},
		{{1, PASSWORD_MEMORY_KIB_MAX + 1}, PASSWORD_SALT_LEN, SOTTO_ERR_LIMIT},
		{{1, UINT32_MAX}, PASSWORD_SALT_LEN, SOTTO_ERR_LIMIT},
		{{1, 8}, PASSWORD_SALT_LEN - 1, SOTTO_ERR_ARGUMENT},
		{{1, 8}, PASSWORD_SALT_LEN + 1, SOTTO_ERR_ARGUMENT},
		{{1, 8}, 0, SOTTO_ERR_ARGUMENT},
	};
	static const uint8_t salt[PASSWORD_SALT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct secret key = {.len = 0};

		assert_int_equal(password_derive(table[i].cost, BYTES_TEXT("secret"),
						 BYTES(salt, table[i].salt_len), &key),
				 table[i].err);
		assert_int_equal(key.len, table[i].err == SOTTO_OK ? PASSWORD_KEY_LEN : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),	       cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_guarded_limits), cmocka_unit_test(test_guarded_faults),
		cmocka_unit_test(test_password),       cmocka_unit_test(test_password_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

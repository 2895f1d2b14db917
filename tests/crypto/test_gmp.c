/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GMP's memory, which hogweed computes in: as the program left it until crypto_gmp_wipe, and wiped when it goes
 * back from then on. malloc and free are the linker's --wrap, so what goes back is looked at before it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "base/assert.h"
#include "crypto/dh.h"
#include "crypto/init.h"
#include "crypto/sign.h"
#include "tests/random.h"

#define BLOCKS_MAX 32

static struct {
	void *memory;
	size_t len;
} blocks[BLOCKS_MAX];
static bool watching;
static unsigned released;
static unsigned released_wiped;

void *__real_malloc(size_t len);
void __real_free(void *memory);
void *__wrap_malloc(size_t len);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t len)
{
	void *memory = __real_malloc(len);

	for (size_t i = 0; watching && i < BLOCKS_MAX; i++) {
		if (blocks[i].memory != NULL)
			continue;
		blocks[i].memory = memory;
		blocks[i].len = len;
		break;
	}
	return memory;
}

static bool zeros(const uint8_t *data, size_t len)
{
	uint8_t all = 0;

	for (size_t i = 0; i < len; i++)
		all |= data[i];
	return all == 0;
}

void __wrap_free(void *memory)
{
	for (size_t i = 0; watching && memory != NULL && i < BLOCKS_MAX; i++) {
		if (blocks[i].memory != memory)
			continue;
		released++;
		released_wiped += zeros(memory, blocks[i].len);
		blocks[i].memory = NULL;
	}
	__real_free(memory);
}

static void watch(void)
{
	memset(blocks, 0, sizeof(blocks));
	released = 0;
	released_wiped = 0;
	watching = true;
}

/* Everything went back, and there was something. */
static void expect_wiped(const char *name)
{
	watching = false;
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		assert_null(blocks[i].memory);
	if (released == 0 || released != released_wiped)
		fail_msg("%s: %u released, %u of them wiped", name, released, released_wiped);
}

static void sign(enum sign_alg alg)
{
	struct test_random test_random = {.seed = 1};
	struct random_source random = test_random_source(&test_random);
	uint8_t public_key[SIGN_PUBLIC_LEN_MAX];
	uint8_t signature[SIGN_SIGNATURE_LEN_MAX];
	struct secret private_key;
	size_t len;

	assert_int_equal(sign_generate(alg, &random, &private_key, public_key), SOTTO_OK);
	assert_int_equal(sign_create(alg, &random, secret_bytes(&private_key),
				     BYTES_TEXT("message"), signature, &len),
			 SOTTO_OK);
	assert_int_equal(sign_verify(alg, BYTES(public_key, sign_public_len(alg)),
				     BYTES_TEXT("message"), BYTES(signature, len)),
			 SOTTO_OK);
}

static void agree(enum dh_group group, size_t private_len, size_t public_len)
{
	uint8_t one[66], other[66], public_key[DH_PUBLIC_LEN_MAX];
	struct secret shared;

	memset(one, 1, sizeof(one));
	memset(other, 2, sizeof(other));
	if (group == DH_P521)
		one[0] = other[0] = 0;
	assert_int_equal(dh_public(group, BYTES(one, private_len), public_key), SOTTO_OK);
	assert_int_equal(
		dh_shared(group, BYTES(other, private_len), BYTES(public_key, public_len), &shared),
		SOTTO_OK);
}

static void compute(unsigned number)
{
	switch (number) {
	case 0:
		sign(SIGN_ED448);
		break;
	case 1:
		sign(SIGN_ECDSA_P256_SHA256);
		break;
	case 2:
		sign(SIGN_ECDSA_P521_SHA512);
		break;
	case 3:
		agree(DH_X25519, 32, 32);
		break;
	case 4:
		agree(DH_X448, 56, 56);
		break;
	case 5:
		agree(DH_P256, 32, 65);
		break;
	case 6:
		agree(DH_P384, 48, 97);
		break;
	case 7:
		agree(DH_P521, 66, 133);
		break;
	default:
		fail();
	}
}

static const char *const computed[] = {
	"Ed448", "P-256 signatures", "P-521 signatures", "X25519", "X448", "P-256", "P-384",
	"P-521",
};

static void *(*host_allocate)(size_t len);
static void *(*host_reallocate)(void *memory, size_t len, size_t new_len);
static void (*host_release)(void *memory, size_t len);

static bool host_has_its_own(void)
{
	void *(*allocate)(size_t len);
	void *(*reallocate)(void *memory, size_t len, size_t new_len);
	void (*release)(void *memory, size_t len);

	mp_get_memory_functions(&allocate, &reallocate, &release);
	return allocate == host_allocate && reallocate == host_reallocate &&
	       release == host_release;
}

/* First of all tests: nothing but crypto_gmp_wipe, and crypto_init by it, sets GMP's functions. */
static void test_left_alone(void **state)
{
	(void)state;
	mp_get_memory_functions(&host_allocate, &host_reallocate, &host_release);
	assert_int_equal(crypto_sodium_init(), SOTTO_OK);
	for (unsigned i = 0; i < ARRAY_LEN(computed); i++)
		compute(i);
	assert_true(host_has_its_own());
	assert_int_equal(crypto_init(), SOTTO_OK);
	assert_false(host_has_its_own());
	mp_set_memory_functions(host_allocate, host_reallocate, host_release);
	crypto_gmp_wipe();
	assert_false(host_has_its_own());
}

static void test_computed(void **state)
{
	(void)state;
	crypto_gmp_wipe();
	for (unsigned i = 0; i < ARRAY_LEN(computed); i++) {
		watch();
		compute(i);
		expect_wiped(computed[i]);
	}
}

static void test_functions(void **state)
{
	static const size_t lengths[] = {1, 7, 8, 64, 4096};
	void *(*allocate)(size_t len);
	void *(*reallocate)(void *memory, size_t len, size_t new_len);
	void (*release)(void *memory, size_t len);

	(void)state;
	crypto_gmp_wipe();
	mp_get_memory_functions(&allocate, &reallocate, &release);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (size_t j = 0; j < ARRAY_LEN(lengths); j++) {
			size_t kept = lengths[i] < lengths[j] ? lengths[i] : lengths[j];
			uint8_t *memory;

			watch();
			memory = allocate(lengths[i]);
			memset(memory, 0xa5, lengths[i]);
			memory = reallocate(memory, lengths[i], lengths[j]);
			for (size_t at = 0; at < kept; at++)
				assert_int_equal(memory[at], 0xa5);
			release(memory, lengths[j]);
			expect_wiped("allocate, reallocate, release");
			assert_int_equal(released, 2);
		}
	}
}

/* The watch can tell: what is released as it is counts as not wiped. */
static void test_watch(void **state)
{
	uint8_t *memory;

	(void)state;
	watch();
	memory = __wrap_malloc(8);
	assert_non_null(memory);
	memset(memory, 0, 8);
	memory[7] = 1;
	__wrap_free(memory);
	watching = false;
	assert_int_equal(released, 1);
	assert_int_equal(released_wiped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_computed),
		cmocka_unit_test(test_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libsodium computed once for these bytes it need not compute again: of a network in one process every phone expands
 * the same keys again and again, checks the same points, and verifies what ten others verify too. The names here stand
 * before those of the library, in this program only; whatever is new goes there.
 *
 *   input --> SHA-256 --> found: the same answer    not found: the library's, kept in place of what was there
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"

#define PLACES	   (1 << 15)
#define ANSWER_MAX 96 /* public key, and the expanded private key */

enum { KEYPAIR = 1, SIGN, VERIFY, POINT };

struct known {
	uint8_t name[32];
	uint8_t answer[ANSWER_MAX];
	int result;
};

static struct known known[PLACES];

int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen, const unsigned char *m,
			 unsigned long long mlen, const unsigned char *sk);
int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
				unsigned long long mlen, const unsigned char *pk);
int crypto_core_ed25519_is_valid_point(const unsigned char *p);

/* The library's, of which POSIX says that the address may be read so. */
static void real_find(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	ASSERT(found != NULL);
	memcpy(function, &found, sizeof(found));
}

/* Its place; *is: the answer is there. */
static struct known *known_find(uint8_t what, struct bytes key, struct bytes message, bool *is)
{
	struct known *place;
	struct hash hash;
	uint8_t name[32];
	uint32_t number;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES(&what, 1));
	hash_update(&hash, key);
	hash_update(&hash, message);
	hash_final(&hash, name);
	memcpy(&number, name, sizeof(number));
	place = &known[number % PLACES];
	*is = memcmp(place->name, name, sizeof(name)) == 0;
	memcpy(place->name, name, sizeof(name));
	return place;
}

int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
	static int (*real)(unsigned char *, unsigned char *, const unsigned char *);
	struct known *place;
	bool is;

	if (real == NULL)
		real_find("crypto_sign_seed_keypair", &real);
	place = known_find(KEYPAIR, BYTES(seed, 32), BYTES_NONE, &is);
	if (!is)
		place->result = real(place->answer, place->answer + 32, seed);
	memcpy(pk, place->answer, 32);
	memcpy(sk, place->answer + 32, 64);
	return place->result;
}

int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen, const unsigned char *m,
			 unsigned long long mlen, const unsigned char *sk)
{
	static int (*real)(unsigned char *, unsigned long long *, const unsigned char *,
			   unsigned long long, const unsigned char *);
	struct known *place;
	bool is;

	if (real == NULL)
		real_find("crypto_sign_detached", &real);
	place = known_find(SIGN, BYTES(sk, 64), BYTES(m, (size_t)mlen), &is);
	if (!is)
		place->result = real(place->answer, NULL, m, mlen, sk);
	memcpy(sig, place->answer, 64);
	if (siglen != NULL)
		*siglen = 64;
	return place->result;
}

int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
				unsigned long long mlen, const unsigned char *pk)
{
	static int (*real)(const unsigned char *, const unsigned char *, unsigned long long,
			   const unsigned char *);
	struct known *place;
	uint8_t key[96];
	bool is;

	if (real == NULL)
		real_find("crypto_sign_verify_detached", &real);
	memcpy(key, sig, 64);
	memcpy(key + 64, pk, 32);
	place = known_find(VERIFY, BYTES_OF(key), BYTES(m, (size_t)mlen), &is);
	if (!is)
		place->result = real(sig, m, mlen, pk);
	return place->result;
}

int crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
	static int (*real)(const unsigned char *);
	struct known *place;
	bool is;

	if (real == NULL)
		real_find("crypto_core_ed25519_is_valid_point", &real);
	place = known_find(POINT, BYTES(p, 32), BYTES_NONE, &is);
	if (!is)
		place->result = real(p);
	return place->result;
}

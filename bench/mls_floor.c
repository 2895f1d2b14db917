/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: see the header. */
#include "bench/mls_floor.h"

#include <stdlib.h>

#include "crypto/kem.h"
#include "crypto/sign.h"

#define RUNS  40
#define BATCH 10 /* one operation is too short for the clock */

/* Verifying takes another way through the code for each signature: one alone would be learnt by the processor. */
#define SIGNATURES 64

struct signature {
	uint8_t public_key[SIGN_PUBLIC_LEN_MAX];
	uint8_t data[SIGN_SIGNATURE_LEN_MAX];
	size_t len;
};

/* The signatures or the keys that operations work with. */
struct subject {
	const struct suite *suite;
	const struct random_source *random;
	struct bytes message;
	const struct signature *signatures; /* SIGNATURES */
	unsigned next;
	struct secret private_key;
	uint8_t public_key[KEM_PUBLIC_LEN_MAX];
	uint8_t enc[KEM_ENC_LEN_MAX];
};

static double measure(void (*operation)(struct subject *subject), struct subject *subject)
{
	double least = 1e9;

	for (unsigned run = 0; run < RUNS; run++) {
		double start = cpu_s();
		double took;

		for (unsigned i = 0; i < BATCH; i++)
			operation(subject);
		took = cpu_s() - start;
		least = took < least ? took : least;
	}
	return least / BATCH * 1e3;
}

static void verify(struct subject *subject)
{
	const struct signature *signature = &subject->signatures[subject->next++ % SIGNATURES];
	enum sign_alg alg = subject->suite->sign;

	must(sign_verify(alg, BYTES(signature->public_key, sign_public_len(alg)), subject->message,
			 BYTES(signature->data, signature->len)),
	     "verify");
}

static void encap(struct subject *subject)
{
	enum kem_alg alg = subject->suite->hpke.kem;
	struct secret shared;

	must(kem_encap(alg, subject->random, BYTES(subject->public_key, kem_public_len(alg)),
		       subject->enc, &shared),
	     "encapsulate");
	secret_wipe(&shared);
}

static void decap(struct subject *subject)
{
	enum kem_alg alg = subject->suite->hpke.kem;
	struct secret shared;

	must(kem_decap(alg, secret_bytes(&subject->private_key),
		       BYTES(subject->enc, kem_enc_len(alg)), &shared),
	     "decapsulate");
	secret_wipe(&shared);
}

static double measure_verify(const struct suite *suite, const struct random_source *random,
			     size_t message_len)
{
	static struct signature signatures[SIGNATURES];
	struct subject subject = {.suite = suite, .random = random, .signatures = signatures};
	uint8_t *message = calloc(1, message_len);
	double ms;

	if (message == NULL)
		must(SOTTO_ERR_NO_MEMORY, "message");
	subject.message = BYTES(message, message_len);
	for (size_t i = 0; i < SIGNATURES; i++) {
		struct signature *signature = &signatures[i];
		struct secret private_key;

		must(sign_generate(suite->sign, random, &private_key, signature->public_key),
		     "key");
		must(sign_create(suite->sign, random, secret_bytes(&private_key), subject.message,
				 signature->data, &signature->len),
		     "sign");
		secret_wipe(&private_key);
	}
	ms = measure(verify, &subject);
	free(message);
	return ms;
}

void floor_measure(const struct world *world, struct floor_costs *costs)
{
	struct subject subject = {.suite = suite_find(world->suite),
				  .random = world->config.random};
	const struct bytes package = mls_buffer_bytes(&world->members[FOLLOWER].package);
	struct mls_key_package_info info;

	must(mls_key_package_check(&world->config, package, 0, &info), "key package");
	must(kem_generate(subject.suite->hpke.kem, subject.random, &subject.private_key,
			  subject.public_key),
	     "key");
	*costs = (struct floor_costs){
		.verify_leaf_ms =
			measure_verify(subject.suite, subject.random, info.member.encoded.len),
		.verify_package_ms = measure_verify(subject.suite, subject.random, package.len),
		.encap_ms = measure(encap, &subject),
	};
	costs->decap_ms = measure(decap, &subject);
	secret_wipe(&subject.private_key);
}

double floor_create_ms(const struct floor_costs *costs, uint32_t n)
{
	return (n - 1) * (costs->verify_leaf_ms + costs->verify_package_ms + costs->encap_ms);
}

double floor_join_ms(const struct floor_costs *costs, uint32_t n)
{
	return (n + 1) * costs->verify_leaf_ms + costs->decap_ms;
}

double floor_verify_ms(size_t message_len)
{
	return measure_verify(suite_find(1), &world_random, message_len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The key schedule, step by step as section 8 draws it. */
#include "mls/key_schedule.h"

#include "base/assert.h"

void epoch_secrets_wipe(struct epoch_secrets *secrets)
{
	bytes_wipe(secrets, sizeof(*secrets));
}

void secret_zero(const struct suite *suite, struct secret *secret)
{
	*secret = (struct secret){.len = (uint8_t)suite_hash_len(suite)};
}

void joiner_secret_derive(const struct suite *suite, const struct secret *init,
			  const struct secret *commit, struct bytes context, struct secret *joiner)
{
	struct secret mixed;

	hkdf_extract(suite->hpke.kdf, secret_bytes(init), secret_bytes(commit), &mixed);
	suite_expand_secret(suite, &mixed, "joiner", context, joiner);
	secret_wipe(&mixed);
}

void member_secret_derive(const struct suite *suite, const struct secret *joiner,
			  const struct secret *psk, struct secret *member)
{
	hkdf_extract(suite->hpke.kdf, secret_bytes(joiner), secret_bytes(psk), member);
}

void welcome_secret_derive(const struct suite *suite, const struct secret *member,
			   struct secret *welcome)
{
	suite_derive(suite, member, "welcome", welcome);
}

void epoch_secrets_expand(const struct suite *suite, const struct secret *epoch,
			  struct epoch_secrets *secrets)
{
	const struct {
		const char *label;
		struct secret *out;
	} table[] = {
		{"sender data", &secrets->sender_data},
		{"encryption", &secrets->encryption},
		{"exporter", &secrets->exporter},
		{"external", &secrets->external},
		{"confirm", &secrets->confirmation},
		{"membership", &secrets->membership},
		{"resumption", &secrets->resumption},
		{"authentication", &secrets->authenticator},
		{"init", &secrets->init},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		suite_derive(suite, epoch, table[i].label, table[i].out);
}

void epoch_secrets_derive(const struct suite *suite, const struct secret *member,
			  struct bytes context, struct epoch_secrets *secrets)
{
	struct secret epoch;

	suite_expand_secret(suite, member, "epoch", context, &epoch);
	epoch_secrets_expand(suite, &epoch, secrets);
	secret_wipe(&epoch);
}

void export_secret(const struct suite *suite, const struct secret *exporter, const char *label,
		   struct bytes context, uint8_t *out, size_t len)
{
	uint8_t context_hash[HASH_LEN_MAX];
	struct secret derived;

	suite_derive(suite, exporter, label, &derived);
	hash_digest(suite->hpke.kdf, context, context_hash);
	suite_expand(suite, secret_bytes(&derived), "exported",
		     BYTES(context_hash, suite_hash_len(suite)), out, len);
	secret_wipe(&derived);
}

void confirmed_hash_next(const struct suite *suite, struct bytes interim, uint16_t wire_format,
			 struct bytes head, struct bytes body, struct bytes signature, uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, suite->hpke.kdf);
	hash_update(&hash, interim);
	hash_put_u8(&hash, (uint8_t)(wire_format >> 8));
	hash_put_u8(&hash, (uint8_t)wire_format);
	hash_update(&hash, head);
	hash_update(&hash, body);
	hash_put_vector(&hash, signature);
	hash_final(&hash, out);
}

void interim_hash_next(const struct suite *suite, struct bytes confirmed, struct bytes tag,
		       uint8_t *out)
{
	struct hash hash;

	hash_init(&hash, suite->hpke.kdf);
	hash_update(&hash, confirmed);
	hash_put_vector(&hash, tag);
	hash_final(&hash, out);
}

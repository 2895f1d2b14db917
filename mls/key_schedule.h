/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key schedule (RFC 9420 section 8) and transcript hashes (8.2).
 *
 *    init_secret[n-1], commit_secret -> joiner_secret -> (psk_secret) -> member secret
 *        member secret -> welcome_secret, epoch_secret -> struct epoch_secrets
 */
#ifndef MLS_KEY_SCHEDULE_H
#define MLS_KEY_SCHEDULE_H

#include "mls/suite.h"

struct epoch_secrets {
	struct secret sender_data;
	struct secret encryption; /* wiped once the secret tree has it */
	struct secret exporter;
	struct secret external;
	struct secret confirmation;
	struct secret membership;
	struct secret resumption;
	struct secret authenticator;
	struct secret init;
};

void epoch_secrets_wipe(struct epoch_secrets *secrets);

/* All-zero, hash_len bytes: no path, no PSK. */
void secret_zero(const struct suite *suite, struct secret *secret);

/* Extract, then expand with the new group context. */
void joiner_secret_derive(const struct suite *suite, const struct secret *init,
			  const struct secret *commit, struct bytes context, struct secret *joiner);

/* The secret between joiner and epoch secret: psk mixed in. */
void member_secret_derive(const struct suite *suite, const struct secret *joiner,
			  const struct secret *psk, struct secret *member);
void welcome_secret_derive(const struct suite *suite, const struct secret *member,
			   struct secret *welcome);
void epoch_secrets_derive(const struct suite *suite, const struct secret *member,
			  struct bytes context, struct epoch_secrets *secrets);

/* From an epoch secret: a new group's is random (section 11). */
void epoch_secrets_expand(const struct suite *suite, const struct secret *epoch,
			  struct epoch_secrets *secrets);

/* MLS-Exporter (8.5). */
void export_secret(const struct suite *suite, const struct secret *exporter, const char *label,
		   struct bytes context, uint8_t *out, size_t len);

/*
 * 8.2: Hash(interim || ConfirmedTranscriptHashInput), given wire_format and FramedContent as
 * encoded: its head, and its body, which may be as long as the group and is not copied for this.
 */
void confirmed_hash_next(const struct suite *suite, struct bytes interim, uint16_t wire_format,
			 struct bytes head, struct bytes body, struct bytes signature,
			 uint8_t *out);

/* 8.2: Hash(confirmed || InterimTranscriptHashInput). */
void interim_hash_next(const struct suite *suite, struct bytes confirmed, struct bytes tag,
		       uint8_t *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Devices without an engine. */
#include "tests/talk/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "talk/state.h"

static void must(enum sotto_err err)
{
	ASSERT(err == SOTTO_OK);
}

static void entry_put(struct talk *founder, uint8_t action, const union ledger_body *body)
{
	struct talk_blob entry = {0};

	must(talk_entry_make(founder, action, body, &entry));
	must(ledger_append(founder->ledger, talk_blob_bytes(&entry)));
	talk_blob_clear(founder, &entry);
}

/* Authorised; its `enrol` entry still has to be signed by a sponsor. */
static void device_authorise(struct talk *founder, uint32_t extension,
			     const struct mls_identity *identity, struct ledger_enrol *enrol)
{
	union ledger_body body = {.authorise = {.extension = extension,
						.name = BYTES_TEXT("Somebody"),
						.expires_ms = founder->utc_ms + 86400000,
						.devices = 1}};
	uint8_t private_key[LEDGER_PRIVATE_LEN];

	*enrol = (struct ledger_enrol){0};
	must(random_fill(founder->random, private_key, sizeof(private_key)));
	must(random_fill(founder->random, enrol->inbox_read, sizeof(enrol->inbox_read)));
	must(sign_public(SIGN_ED25519, BYTES_OF(private_key), body.authorise.invitation_key));
	entry_put(founder, LEDGER_AUTHORISE, &body);
	must(ledger_enrol_sign(ledger_network(founder->ledger), BYTES_OF(private_key),
			       secret_bytes(&identity->private_key), enrol));
}

static void device_make(struct talk *founder, uint32_t extension, struct mls_buffer *package,
			struct ledger_enrol *enrol)
{
	struct mls_key_package_secrets secrets;
	struct mls_leaf_options options;
	struct mls_identity identity;
	struct bytes key;

	must(mls_identity_generate(&founder->mls, founder->suite, &identity));
	key = BYTES(identity.public_key, identity.public_len);
	talk_leaf_options(founder, &options);
	options.identity = &identity;
	options.credential.content = key;
	must(mls_key_package_create(&founder->mls, &options, NULL, 0, package, &secrets));
	device_authorise(founder, extension, &identity, enrol);
}

static void member_make(struct talk *founder, uint32_t extension, struct mls_buffer *package)
{
	union ledger_body body;

	device_make(founder, extension, package, &body.enrol);
	entry_put(founder, LEDGER_ENROL, &body);
	must(talk_package_put(founder, body.enrol.device_key, mls_buffer_bytes(package)));
}

static void petition_post(struct world *world, struct talk *founder, struct bytes package,
			  const struct ledger_enrol *enrol)
{
	struct talk_petition petition = {.version = TALK_VERSION, .key_package = package};
	struct talk_blob encoded = {0}, whole = {0}, record = {0};

	must(talk_encode(founder, &ledger_enrol_type, enrol, &encoded));
	petition.enrol = talk_blob_bytes(&encoded);
	must(random_fill(founder->random, petition.landing_append,
			 sizeof(petition.landing_append)));
	must(talk_encode(founder, &talk_petition_type, &petition, &whole));
	must(talk_record_seal(founder, &founder->porch, talk_blob_bytes(&whole), &record));
	fake_relay_put(world_relay(world), founder->porch.name, talk_blob_bytes(&record));
	talk_blob_clear(founder, &encoded);
	talk_blob_clear(founder, &whole);
	talk_blob_clear(founder, &record);
}

void crowd_petition(struct world *world, uint32_t before, uint32_t count, bool sponsored)
{
	struct talk *founder = world_phone(world, 0)->talk;
	uint64_t now_ns = world_now(world);

	must(talk_step_begin(founder, now_ns, WORLD_UTC_MS + now_ns / 1000000));
	for (uint32_t i = before; i < before + count; i++) {
		struct mls_buffer package = {0};
		union ledger_body body;

		device_make(founder, world_extension(world, WORLD_PHONES_MAX + i), &package,
			    &body.enrol);
		petition_post(world, founder, mls_buffer_bytes(&package), &body.enrol);
		if (sponsored)
			entry_put(founder, LEDGER_ENROL, &body);
		mls_buffer_release(&package);
	}
	must(talk_step_end(founder, SOTTO_OK));
	world_settle(world_phone(world, 0));
}

void crowd_enter(struct world *world, uint32_t count)
{
	struct talk *founder = world_phone(world, 0)->talk;
	struct talk_group *everyone = founder->everyone;
	uint64_t now_ns = world_now(world);
	struct mls_buffer *packages = calloc(count, sizeof(*packages));
	struct bytes *adds = calloc(count, sizeof(*adds));
	struct mls_buffer commit = {0}, welcome = {0};
	struct talk_blob context = {0};
	struct mls_extension extension = {.type = TALK_CONTEXT_EXTENSION};
	struct mls_commit_options options = {.add = adds,
					     .add_count = count,
					     .set_extensions = true,
					     .extensions = &extension,
					     .extension_count = 1,
					     .path = true};

	ASSERT(packages != NULL && adds != NULL && mls_group_member_count(everyone->mls) == 1);
	must(talk_step_begin(founder, now_ns, WORLD_UTC_MS + now_ns / 1000000));
	for (uint32_t i = 0; i < count; i++) {
		member_make(founder, world_extension(world, WORLD_PHONES_MAX + i), &packages[i]);
		adds[i] = mls_buffer_bytes(&packages[i]);
	}
	must(talk_context_encode(founder, TALK_EVERYONE, BYTES_NONE, &context));
	extension.data = talk_blob_bytes(&context);
	must(talk_ratchets_reserve(everyone));
	must(mls_group_commit(everyone->mls, &options, &commit, &welcome));
	must(mls_group_apply_pending(everyone->mls));
	must(talk_epoch_begin(founder, everyone, false));
	must(talk_step_end(founder, SOTTO_OK));
	world_settle(world_phone(world, 0));
	talk_blob_clear(founder, &context);
	mls_buffer_release(&commit);
	mls_buffer_release(&welcome);
	for (uint32_t i = 0; i < count; i++)
		mls_buffer_release(&packages[i]);
	free(packages);
	free(adds);
}

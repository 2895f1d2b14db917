/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key packages: one reusable package a device, posted in *everyone*, renewed daily in networks of up to 100
 * devices and weekly above. What can open a Welcome for an old one is erased one retention time after its
 * successor was made: a Welcome cannot be under way longer.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "talk/problem.h"
#include "talk/state.h"

#define DAY_MS		  UINT64_C(86400000)
#define DAILY_DEVICES_MAX 100
#define LOST_MS		  UINT64_C(3600000) /* said again at most so often */

/* Before it in a list. */
#define PACKAGE_HEADER_LEN 4

struct talk_package *talk_package_of(const struct talk *talk, const uint8_t *key)
{
	list_for_each (element, following, &talk->packages_by[key[0]]) {
		struct talk_package *package = CONTAINER_OF(element, struct talk_package, alike);

		/* The newest of a device stands first. */
		if (memcmp(package->device_key, key, LEDGER_KEY_LEN) == 0)
			return package;
	}
	return NULL;
}

void talk_package_enter(struct talk *talk, struct talk_package *package, bool newest)
{
	struct list *alike = &talk->packages_by[package->device_key[0]];

	list_init(&package->unsaved);
	list_append(newest ? talk->packages.next : &talk->packages, &package->list);
	list_append(newest ? alike->next : alike, &package->alike);
}

enum sotto_err talk_package_set(struct talk *talk, struct talk_package *package,
				struct bytes message)
{
	enum sotto_err err = talk_blob_set(talk, &package->message, message);

	if (err != SOTTO_OK)
		return err;
	talk->packages_len -= package->counted;
	package->counted = package->message.len + PACKAGE_HEADER_LEN;
	talk->packages_len += package->counted;
	return SOTTO_OK;
}

void talk_package_free(struct talk *talk, struct talk_package *package)
{
	list_remove(&package->list);
	list_remove(&package->alike);
	list_remove(&package->unsaved);
	talk->packages_len -= package->counted;
	talk_blob_clear(talk, &package->message);
	talk_give(talk, package, sizeof(*package));
}

void talk_package_unsaved(struct talk *talk, struct talk_package *package)
{
	list_remove(&package->unsaved);
	list_append(&talk->unsaved_packages, &package->unsaved);
}

void talk_package_heard(struct talk *talk, struct talk_package *package)
{
	package->heard_ms = talk->utc_ms;
	talk->silent_ms = talk_earlier(talk->silent_ms, talk_silent_from(talk, package));
}

/* A key package counts for the device whose key has signed it. SOTTO_ERR_INVALID. */
enum sotto_err talk_package_check(const struct talk *talk, const uint8_t *key, struct bytes message)
{
	struct mls_key_package_info info;
	enum sotto_err err;

	if (message.len > TALK_KEY_PACKAGE_MAX)
		return SOTTO_ERR_INVALID;
	err = mls_key_package_check(&talk->mls, message, 0, &info);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_ERR_INVALID;
	return info.suite == talk->suite &&
			       bytes_equal(info.member.signature_key, BYTES(key, LEDGER_KEY_LEN)) &&
			       info.member.credential.type == MLS_CREDENTIAL_BASIC &&
			       bytes_equal(info.member.credential.content,
					   BYTES(key, LEDGER_KEY_LEN))
		       ? SOTTO_OK
		       : SOTTO_ERR_INVALID;
}

enum sotto_err talk_package_rotation(struct talk *talk, const uint8_t *key, uint8_t *rotation)
{
	const struct talk_package *package = talk_package_of(talk, key);
	struct mls_key_package_info info;
	struct bytes data;
	enum sotto_err err;

	if (package == NULL)
		return SOTTO_ERR_NOT_FOUND;
	err = mls_key_package_check(&talk->mls, talk_blob_bytes(&package->message), 0, &info);
	if (err != SOTTO_OK)
		return err;
	if (mls_extension_find(info.extensions, TALK_ROTATION_EXTENSION, &data) != SOTTO_OK ||
	    data.len != LEDGER_KEY_LEN || sign_check_public(SIGN_ED25519, data) != SOTTO_OK)
		return SOTTO_ERR_NOT_FOUND;
	memcpy(rotation, data.data, LEDGER_KEY_LEN);
	return SOTTO_OK;
}

enum sotto_err talk_package_put(struct talk *talk, const uint8_t *key, struct bytes message)
{
	struct talk_package *package = talk_package_of(talk, key);
	enum sotto_err err;

	/* Said again, after the relay had lost it. */
	if (package != NULL && bytes_equal(talk_blob_bytes(&package->message), message))
		return SOTTO_OK;
	err = talk_package_check(talk, key, message);
	if (err != SOTTO_OK)
		return err;
	if (package == NULL) {
		package = talk_take(talk, sizeof(*package));
		if (package == NULL)
			return SOTTO_ERR_NO_MEMORY;
		package->number = talk_number(talk);
		memcpy(package->device_key, key, LEDGER_KEY_LEN);
		talk_package_enter(talk, package, false);
		talk_package_heard(talk, package);
	}
	talk_package_unsaved(talk, package);
	talk->news++;
	return talk_package_set(talk, package, message);
}

enum sotto_err talk_package_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	struct talk_key_package package;
	enum sotto_err err;

	if (wire_decode(&talk_key_package_type, body, &package) != SOTTO_OK)
		return SOTTO_OK;
	err = talk_package_put(talk, key, package.message);
	return err == SOTTO_ERR_INVALID ? SOTTO_OK : err;
}

void talk_leaf_options(struct talk *talk, struct mls_leaf_options *options)
{
	static const uint16_t extensions[] = {TALK_CONTEXT_EXTENSION, TALK_ROTATION_EXTENSION};

	*options = (struct mls_leaf_options){
		.identity = &talk->identity,
		.credential = {.type = MLS_CREDENTIAL_BASIC,
			       .content = BYTES(talk->identity.public_key, LEDGER_KEY_LEN)},
		.extension_types = extensions,
		.extension_type_count = ARRAY_LEN(extensions),
		.lifetime = {.not_before =
				     talk->utc_ms / 1000 > 86400 ? talk->utc_ms / 1000 - 86400 : 0,
			     .not_after = talk->utc_ms / 1000 + TALK_LIFETIME_S},
	};
}

/* A new reusable package of ours; the ones before it stay, for Welcomes that are on their way. */
enum sotto_err talk_package_make(struct talk *talk, struct talk_package **package)
{
	struct talk_package *made = talk_take(talk, sizeof(*made));
	uint8_t rotation[LEDGER_KEY_LEN];
	struct mls_extension extension = {.type = TALK_ROTATION_EXTENSION,
					  .data = BYTES_OF(rotation)};
	struct mls_leaf_options options;
	struct mls_buffer message = {0};
	enum sotto_err err = SOTTO_OK;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&made->list);
	list_init(&made->alike);
	list_init(&made->unsaved);
	talk_leaf_options(talk, &options);
	TRY(sign_public(SIGN_ED25519, BYTES_OF(talk->rotation_seed), rotation));
	TRY(mls_key_package_create(&talk->mls, &options, &extension, 1, &message, &made->secrets));
	TRY(talk_package_set(talk, made, mls_buffer_bytes(&message)));
	memcpy(made->device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	made->number = talk_number(talk);
	made->made_ms = talk->utc_ms;
	talk_package_enter(talk, made, true);
	talk_package_unsaved(talk, made);
	*package = made;
	made = NULL;
out:
	mls_buffer_release(&message);
	if (made != NULL)
		talk_package_free(talk, made);
	return err;
}

/* Tells everybody how to add this device; until then nobody can write to us. */
enum sotto_err talk_package_announce(struct talk *talk)
{
	struct talk_package *package = talk_package_of(talk, talk->identity.public_key);
	struct talk_key_package item = {.message = talk_blob_bytes(&package->message)};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	TRY(talk_encode(talk, &talk_key_package_type, &item, &body));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_KEY_PACKAGE, talk_blob_bytes(&body), false,
			 &out));
out:
	talk_blob_clear(talk, &body);
	return err;
}

static enum sotto_err packages_erase(struct talk *talk)
{
	const struct talk_package *successor = NULL;

	list_for_each (element, following, &talk->packages) {
		struct talk_package *package = CONTAINER_OF(element, struct talk_package, list);
		enum sotto_err err;

		if (memcmp(package->device_key, talk->identity.public_key, LEDGER_KEY_LEN) != 0)
			continue;
		if (successor == NULL || talk->utc_ms < successor->made_ms + talk->retention_ms) {
			successor = package;
			continue;
		}
		err = store_batch_delete(&talk->batch, TALK_TABLE_PACKAGE, BYTES_NONE,
					 package->number);
		if (err != SOTTO_OK)
			return err;
		talk_package_free(talk, package);
	}
	return SOTTO_OK;
}

/* Whoever had not read ours before the relay lost its records could not write to us until the next one. */
void talk_packages_lost(struct talk *talk)
{
	if (talk->everyone == NULL || talk->package_due_ns != 0 ||
	    (talk->package_lost_ns != 0 &&
	     talk->now_ns < talk->package_lost_ns + LOST_MS * TALK_MS))
		return;
	talk->package_lost_ns = talk->now_ns;
	talk->package_due_ns = talk->now_ns + talk_rank(talk, talk->everyone,
							BYTES_OF(talk->everyone->drops[0].name)) *
						      TALK_RANK_MS * TALK_MS;
}

enum sotto_err talk_package_work(struct talk *talk)
{
	struct talk_package *package = talk_package_of(talk, talk->identity.public_key);
	uint64_t age_ms =
		ledger_device_count(talk->ledger) <= DAILY_DEVICES_MAX ? DAY_MS : 7 * DAY_MS;
	enum sotto_err err = SOTTO_OK;

	bool renew = package != NULL && talk->utc_ms >= package->made_ms + age_ms;
	bool again = package != NULL && talk->package_due_ns != 0 &&
		     talk->now_ns >= talk->package_due_ns;

	if (!renew && !again)
		return SOTTO_OK;
	talk->package_due_ns = 0;
	if (renew)
		TRY(talk_package_make(talk, &package));
	TRY(talk_package_announce(talk));
	if (renew)
		TRY(packages_erase(talk));
out:
	return err;
}

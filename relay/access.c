/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of the access state: parse and verify first, then one block that makes the next state. */
#include "relay/access.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "relay/limits.h"

enum sotto_err relay_access_init(struct relay_access *access, const struct random_source *random)
{
	struct relay_access fresh = {.generation = 1};
	enum sotto_err err = random_fill(random, fresh.claim, sizeof(fresh.claim));

	if (err == SOTTO_OK)
		*access = fresh;
	bytes_wipe(&fresh, sizeof(fresh));
	return err;
}

void relay_access_wipe(struct relay_access *access)
{
	if (access != NULL)
		bytes_wipe(access, sizeof(*access));
}

bool relay_access_founded(const struct relay_access *access)
{
	return access->threshold != 0;
}

uint64_t relay_access_number(const struct relay_access *access)
{
	return access->key_count > 0 ? access->keys[0].number : 0;
}

/* Copies a list of admins: all different, each a point of the curve, and k fits them. */
static enum sotto_err take_admins(const struct wire_list *list, uint8_t threshold,
				  struct relay_access *next)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct wire_admin_key admin;
	size_t count = 0;

	if (list->count == 0 || list->count > WIRE_ADMINS_MAX || threshold == 0)
		return SOTTO_ERR_INVALID;
	/* One admin alone decides; of several, one may be missing. */
	if (threshold > (list->count == 1 ? 1 : list->count - 1))
		return SOTTO_ERR_INVALID;
	while (wire_admin_key_next(&cursor, &admin)) {
		if (sign_check_public(SIGN_ED25519, BYTES_OF(admin.key)) != SOTTO_OK)
			return SOTTO_ERR_INVALID;
		for (size_t i = 0; i < count; i++) {
			if (memcmp(next->admins[i].key, admin.key, WIRE_KEY_LEN) == 0)
				return SOTTO_ERR_INVALID;
		}
		next->admins[count++] = admin;
	}
	next->admin_count = count;
	next->threshold = threshold;
	return SOTTO_OK;
}

/* k approvals of the admins that stand now, in ascending order, so that nobody counts twice. */
static enum sotto_err check_approvals(const struct relay_access *access,
				      const struct wire_list *list, struct bytes content)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct wire_approval approval;
	size_t next_admin = 0;
	size_t count = 0;

	while (wire_approval_next(&cursor, &approval)) {
		if (approval.admin < next_admin || approval.admin >= access->admin_count)
			return SOTTO_ERR_DENIED;
		if (sign_verify(SIGN_ED25519, BYTES_OF(access->admins[approval.admin].key), content,
				BYTES_OF(approval.signature)) != SOTTO_OK)
			return SOTTO_ERR_DENIED;
		next_admin = approval.admin + 1u;
		count++;
	}
	return count >= access->threshold ? SOTTO_OK : SOTTO_ERR_DENIED;
}

enum sotto_err relay_access_found(const struct relay_access *access, const struct wire_found *found,
				  struct relay_access *next)
{
	static const uint8_t zeros[WIRE_HASH_LEN];
	struct relay_access made = {.generation = access->generation + 1};
	enum sotto_err err;

	FAIL_IF(relay_access_founded(access), SOTTO_ERR_STATE);
	FAIL_IF(memcmp(found->network, zeros, sizeof(zeros)) == 0, SOTTO_ERR_INVALID);
	TRY(take_admins(&found->admins, found->threshold, &made));
	memcpy(made.network, found->network, sizeof(made.network));
	made.admins_serial = 1;
	made.key_count = 1;
	made.keys[0].number = 1;
	memcpy(made.keys[0].secret, found->access_key, WIRE_KEY_LEN);
	made.porch_number = 1;
	memcpy(made.porch_key, found->porch_key, WIRE_KEY_LEN);
	memcpy(made.porch_drop, found->porch_drop, WIRE_HASH_LEN);
	*next = made;
out:
	relay_access_wipe(&made);
	return err;
}

enum sotto_err relay_access_install(const struct relay_access *access,
				    const struct wire_key_install *install, uint64_t utc_ms,
				    struct relay_access *next)
{
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct relay_access made = *access;
	enum sotto_err err;

	FAIL_IF(!relay_access_founded(access), SOTTO_ERR_STATE);
	FAIL_IF(install->number != relay_access_number(access) + 1, SOTTO_ERR_TOO_OLD);
	TRY(check_approvals(access, &install->approvals,
			    wire_signed_key_install(access->network, install, buffer)));
	made.generation++;
	if (made.key_count == WIRE_ACCESS_KEYS_MAX)
		made.key_count--; /* the oldest past key makes room */
	memmove(&made.keys[1], &made.keys[0], made.key_count * sizeof(made.keys[0]));
	made.key_count++;
	made.keys[1].replaced_ms = utc_ms;
	made.keys[0] = (struct wire_access_key){.number = install->number};
	memcpy(made.keys[0].secret, install->access_key, WIRE_KEY_LEN);
	*next = made;
out:
	relay_access_wipe(&made);
	return err;
}

enum sotto_err relay_access_admins(const struct relay_access *access,
				   const struct wire_admins_change *change,
				   struct relay_access *next)
{
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct relay_access made = *access;
	enum sotto_err err;

	FAIL_IF(!relay_access_founded(access), SOTTO_ERR_STATE);
	FAIL_IF(change->serial != access->admins_serial + 1, SOTTO_ERR_TOO_OLD);
	FAIL_IF(change->admins.count > WIRE_ADMINS_MAX, SOTTO_ERR_INVALID);
	TRY(check_approvals(access, &change->approvals,
			    wire_signed_admins_change(access->network, change, buffer)));
	TRY(take_admins(&change->admins, change->threshold, &made));
	made.generation++;
	made.admins_serial = change->serial;
	*next = made;
out:
	relay_access_wipe(&made);
	return err;
}

enum sotto_err relay_access_porch(const struct relay_access *access,
				  const struct wire_porch_install *install,
				  struct relay_access *next)
{
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct relay_access made = *access;
	enum sotto_err err;

	FAIL_IF(!relay_access_founded(access), SOTTO_ERR_STATE);
	FAIL_IF(install->number != access->porch_number + 1, SOTTO_ERR_TOO_OLD);
	TRY(check_approvals(access, &install->approvals,
			    wire_signed_porch_install(access->network, install, buffer)));
	made.generation++;
	made.porch_number = install->number;
	memcpy(made.porch_key, install->porch_key, WIRE_KEY_LEN);
	memcpy(made.porch_drop, install->porch_drop, WIRE_HASH_LEN);
	*next = made;
out:
	relay_access_wipe(&made);
	return err;
}

void relay_access_expire(struct relay_access *access, uint64_t utc_ms)
{
	while (access->key_count > 1 &&
	       access->keys[access->key_count - 1].replaced_ms + RELAY_PAST_KEY_MS <= utc_ms)
		bytes_wipe(&access->keys[--access->key_count], sizeof(access->keys[0]));
}

enum wire_authority relay_access_authority(const struct relay_access *access,
					   enum link_key_kind kind, uint64_t number)
{
	switch (kind) {
	case LINK_KEY_CLAIM:
		return relay_access_founded(access) ? WIRE_AUTHORITY_NONE : WIRE_AUTHORITY_CLAIM;
	case LINK_KEY_PORCH:
		return relay_access_founded(access) && number == access->porch_number
			       ? WIRE_AUTHORITY_PORCH
			       : WIRE_AUTHORITY_NONE;
	case LINK_KEY_ACCESS:
		for (size_t i = 0; i < access->key_count; i++) {
			if (access->keys[i].number == number)
				return i == 0 ? WIRE_AUTHORITY_FULL : WIRE_AUTHORITY_CATCH_UP;
		}
		return WIRE_AUTHORITY_NONE;
	}
	return WIRE_AUTHORITY_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group needs: who is in it and may not be, who is missing, who is to come back, what somebody wishes, a new
 * leaf of ours. Every phone finds the same, but for what only it wishes; commit.c says whose turn it is.
 */
#include "talk/needs.h"

#include <string.h>

#include "talk/hold.h"

/* Did we sign the entry that enrolled this device? */
static bool sponsored_by_us(const struct talk *talk, const struct ledger_device *device)
{
	struct ledger_entry entry;

	return ledger_entry_decode(ledger_entry_bytes(talk->ledger, device->index), &entry) ==
		       SOTTO_OK &&
	       entry.signature_count > 0 &&
	       memcmp(entry.signatures[0].key, talk->identity.public_key, LEDGER_KEY_LEN) == 0;
}

/* Whose membership has ended comes into no conversation, and goes out of groups: where this phone's clock is right. */
static bool ended_here(const struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	return group->kind != TALK_EVERYONE && talk_member_ended(talk, key) && talk_fresh(talk);
}

/* Sorted by key, so that all phones with the same petitions have the same trigger. */
static void needs_add(struct talk_needs *needs, const uint8_t *key, struct bytes package)
{
	size_t place = needs->add_count++;

	for (; place > 0 && memcmp(needs->added[place - 1], key, LEDGER_KEY_LEN) > 0; place--) {
		needs->added[place] = needs->added[place - 1];
		needs->adds[place] = needs->adds[place - 1];
	}
	needs->added[place] = key;
	needs->adds[place] = package;
}

/* With the newest key package that it posted; false: there is none here. */
static bool needs_device(const struct talk *talk, struct talk_needs *needs, const uint8_t *key)
{
	const struct talk_package *package = talk_package_of(talk, key);

	if (package != NULL)
		needs_add(needs, key, talk_blob_bytes(&package->message));
	return package != NULL;
}

/*
 * Devices of the ledger that *everyone* does not hold yet, as far as their petitions are here. If they are too
 * many for one commit, the others come with the next.
 */
static void needs_adds(struct talk *talk, const struct talk_group *group, struct talk_needs *needs)
{
	list_for_each (element, following, &talk->petitions) {
		const struct talk_petition_row *petition =
			CONTAINER_OF(element, struct talk_petition_row, list);
		const struct ledger_device *device =
			ledger_device_by_key(talk->ledger, petition->enrol.device_key);
		struct mls_member member;

		if (device == NULL || device->state == LEDGER_DEVICE_REVOKED ||
		    needs->add_count == TALK_NEEDS_MAX ||
		    mls_group_find_member(group->mls, BYTES_OF(device->key), &member) == SOTTO_OK)
			continue;
		needs_add(needs, device->key, talk_blob_bytes(&petition->key_package));
	}
	if (needs->add_count > 0)
		needs->add_count = talk_adds_max(talk, needs->add_count);
	/* Of several sponsors one adds those of all. */
	for (size_t i = 0; i < needs->add_count; i++) {
		bool ours =
			sponsored_by_us(talk, ledger_device_by_key(talk->ledger, needs->added[i]));

		needs->sponsored = needs->sponsored || (ours && i == 0);
		needs->one_of_ours = needs->one_of_ours || ours;
	}
}

/* Wishes for a group: who is to come, as far as there is room, and the name. */
static void needs_wished(struct talk *talk, const struct talk_group *group,
			 const struct talk_marks *marks, struct talk_needs *needs)
{
	size_t devices = mls_group_member_count(group->mls) - needs->remove_count;
	size_t most = group->one_by_one ? 1 : TALK_NEEDS_MAX;

	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);
		struct mls_member member;

		if (marks->wished[device->member] != TALK_WISH_ADD || needs->add_count >= most ||
		    devices + needs->add_count >= TALK_MEMBERS_MAX || !talk_fresh(talk) ||
		    !ledger_allows_leaf(talk->ledger, device->key, true) ||
		    ended_here(talk, group, device->key) ||
		    mls_group_find_member(group->mls, BYTES_OF(device->key), &member) == SOTTO_OK)
			continue;
		(void)needs_device(talk, needs, device->key);
	}
	needs->rename = talk_wish_of(group, TALK_WISH_RENAME, 0);
	needs->own = needs->own || needs->add_count > 0 || needs->rename != NULL;
}

/* A conversation that the other one is not in yet. */
static void needs_peer(struct talk *talk, const struct talk_group *group, struct talk_needs *needs)
{
	size_t most = group->one_by_one ? 1 : TALK_NEEDS_MAX;

	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (device->member != group->peer || needs->add_count >= most ||
		    !ledger_allows_leaf(talk->ledger, device->key, true) ||
		    ended_here(talk, group, device->key))
			continue;
		(void)needs_device(talk, needs, device->key);
	}
	needs->sponsored = true;
}

/* Is this leaf to go anyway? */
static bool removing(const struct talk_needs *needs, uint32_t leaf)
{
	for (size_t i = 0; i < needs->remove_count; i++) {
		if (needs->removes[i] == leaf)
			return true;
	}
	return false;
}

/* Does this member have a leaf here that is not to go, or one that is to come? */
static bool stays(const struct talk *talk, const struct talk_group *group,
		  const struct talk_needs *needs, uint32_t id)
{
	struct mls_member member;
	uint32_t cursor = 0;

	for (size_t i = 0; i < needs->add_count; i++) {
		if (ledger_device_by_key(talk->ledger, needs->added[i])->member == id)
			return true;
	}
	while (mls_group_next_member(group->mls, &cursor, &member)) {
		const struct ledger_device *device = talk_device_of(talk, &member);

		if (device != NULL && device->member == id && !removing(needs, member.leaf))
			return true;
	}
	return false;
}

static bool adding(const struct talk_needs *needs, const uint8_t *key)
{
	for (size_t i = 0; i < needs->add_count; i++) {
		if (memcmp(needs->added[i], key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

/*
 * A person is in a conversation with all devices. Whoever comes first by rank adds those that came later: which
 * device is whose the ledger says. One to one the other one comes first, else our own would be all who hear.
 */
static void needs_devices(struct talk *talk, const struct talk_group *group,
			  struct talk_needs *needs)
{
	size_t devices = mls_group_member_count(group->mls) - needs->remove_count;
	size_t most = group->one_by_one ? 1 : TALK_NEEDS_MAX;

	if (!talk_fresh(talk) ||
	    (group->kind == TALK_DIRECT && !stays(talk, group, needs, group->peer)))
		return;
	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);
		struct mls_member member;

		/* Of whom there is one only, that one is in it. */
		if (ledger_member_by_id(talk->ledger, device->member)->numbers < 2 ||
		    needs->add_count >= most || devices + needs->add_count >= TALK_MEMBERS_MAX ||
		    !talk_leaf_allowed(talk, group, device->key) ||
		    ended_here(talk, group, device->key) || adding(needs, device->key) ||
		    mls_group_find_member(group->mls, BYTES_OF(device->key), &member) == SOTTO_OK ||
		    (group->kind == TALK_GROUP && !stays(talk, group, needs, device->member)))
			continue;
		if (!needs_device(talk, needs, device->key))
			continue;
		needs->shared = true;
		needs->sponsored = false;
	}
}

/*
 * A device of ours, and one to one the other one goes or is out already: in such a group nothing shows whose conversation it is, so a
 * Welcome leads in only who was in it before.
 */
static bool finds_back(const struct talk *talk, const struct talk_group *group,
		       const struct talk_needs *needs, const uint8_t *key)
{
	return group->kind != TALK_DIRECT ||
	       !ledger_same_member(talk->ledger, key, talk->identity.public_key) ||
	       !talk_owed(group, key) || talk_return_asked(group, key) ||
	       stays(talk, group, needs, group->peer);
}

/*
 * Who is to be added anew: out and in by one commit, with the newest key package that it posted. Out alone who would not find the
 * way in.
 */
static void needs_returns(struct talk *talk, const struct talk_group *group,
			  struct talk_needs *needs)
{
	struct mls_member member;
	uint32_t cursor = 0;

	if (!talk_returns_possible(talk, group))
		return;
	while (mls_group_next_member(group->mls, &cursor, &member)) {
		const uint8_t *key;
		struct bytes package;

		if (needs->remove_count == TALK_NEEDS_MAX || needs->add_count == TALK_NEEDS_MAX)
			return;
		if (member.signature_key.len != LEDGER_KEY_LEN ||
		    !talk_leaf_allowed(talk, group, member.signature_key.data) ||
		    ended_here(talk, group, member.signature_key.data) ||
		    !talk_return_due(talk, group, member.signature_key.data) ||
		    removing(needs, member.leaf) ||
		    talk_return_package(talk, group, member.signature_key.data, &key, &package) !=
			    SOTTO_OK)
			continue;
		needs->removes[needs->remove_count++] = member.leaf;
		needs->shared = true;
		if (finds_back(talk, group, needs, key))
			needs_add(needs, key, package);
	}
}

/* Why this leaf is to go: what we or somebody else wishes, or nothing. */
static enum talk_wish_kind wished_of(const struct talk *talk, const struct talk_marks *marks,
				     const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	return device == NULL || device->member >= marks->count
		       ? 0
		       : (enum talk_wish_kind)marks->wished[device->member];
}

/* Is somebody here whose device is not ours? */
static bool others_in(const struct talk *talk, const struct talk_group *group)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(group->mls, &cursor, &member)) {
		if (member.signature_key.len != LEDGER_KEY_LEN ||
		    !ledger_same_member(talk->ledger, member.signature_key.data,
					talk->identity.public_key))
			return true;
	}
	return false;
}

static void needs_removes(struct talk *talk, struct talk_group *group,
			  const struct talk_marks *marks, struct talk_needs *needs)
{
	bool others = marks->count > 0 && others_in(talk, group);
	struct mls_member member;
	uint32_t cursor = 0;

	group->blocked = false;
	if (marks->count == 0 && talk_clean_known(talk, group))
		return;
	while (mls_group_next_member(group->mls, &cursor, &member)) {
		bool allowed = member.signature_key.len == LEDGER_KEY_LEN &&
			       talk_leaf_allowed(talk, group, member.signature_key.data) &&
			       (group->kind != TALK_GROUP ||
				!ended_here(talk, group, member.signature_key.data));
		enum talk_wish_kind wished =
			allowed && marks->count > 0
				? wished_of(talk, marks, member.signature_key.data)
				: 0;

		if (member.leaf == mls_group_own_leaf(group->mls))
			continue;
		/* We have said that we leave, on another device: the others remove all of ours. */
		if (wished == TALK_WISH_LEFT && others &&
		    ledger_same_member(talk->ledger, member.signature_key.data,
				       talk->identity.public_key))
			continue;
		needs->stranger = needs->stranger || talk_device_of(talk, &member) == NULL;
		group->blocked = group->blocked || !allowed;
		if ((allowed && wished != TALK_WISH_REMOVE && wished != TALK_WISH_LEFT) ||
		    needs->remove_count == TALK_NEEDS_MAX)
			continue;
		needs->removes[needs->remove_count++] = member.leaf;
		needs->own = needs->own || (allowed && wished == TALK_WISH_REMOVE);
		needs->shared = needs->shared || !allowed || wished == TALK_WISH_LEFT;
	}
	talk_clean_note(talk, group);
}

bool talk_needed(const struct talk_needs *needs)
{
	return needs->add_count > 0 || needs->remove_count > 0 || needs->update ||
	       needs->rename != NULL;
}

enum sotto_err talk_needs_find(struct talk *talk, struct talk_group *group,
			       struct talk_needs *needs)
{
	struct talk_marks marks = {0};
	enum sotto_err err = SOTTO_OK;

	memset(needs, 0, sizeof(*needs));
	TRY(talk_wishes_settle(talk, group));
	if (!list_empty(&group->wishes))
		TRY(talk_marks_make(talk, group, &marks));
	needs_removes(talk, group, &marks, needs);
	if (group->kind == TALK_EVERYONE)
		needs_adds(talk, group, needs);
	else if (group->kind == TALK_DIRECT && !talk_group_has_peer(talk, group) &&
		 talk_fresh(talk))
		needs_peer(talk, group, needs);
	else if (marks.count > 0)
		needs_wished(talk, group, &marks, needs);
	if (group->kind != TALK_EVERYONE)
		needs_devices(talk, group, needs);
	talk_owed_want(talk, group);
	needs_returns(talk, group, needs);
	needs->update = group->update_due && mls_group_member_count(group->mls) > 1;
	needs->scheduled = !talk_needed(needs) && talk_update_due(talk, group);
	needs->update = needs->update || needs->scheduled;
out:
	talk_marks_clear(talk, &marks);
	return err;
}

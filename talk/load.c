/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life: made, filled from the store, destroyed. */
#include <string.h>

#include "base/assert.h"
#include "talk/age.h"
#include "talk/marks.h"
#include "talk/policy.h"
#include "talk/state.h"

enum sotto_err talk_create(const struct talk_config *config, struct talk **talk)
{
	const struct allocator *allocator =
		config->allocator != NULL ? config->allocator : &allocator_default;
	struct talk *made = allocator_take_zeroed(allocator, 1, sizeof(*made));
	enum sotto_err err;

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	made->random = config->random;
	made->suite = config->suite != 0 ? config->suite : TALK_SUITE;
	if (config->release != NULL)
		memcpy(made->release, config->release, sizeof(made->release));
	made->retention_ms = config->retention_ms != 0 ? config->retention_ms : TALK_RETENTION_MS;
	made->watches_max = config->watches_max != 0 ? config->watches_max : TALK_WATCHES_MAX;
	made->mls = (struct mls_config){
		.allocator = allocator,
		.random = config->random,
		.limits = *mls_limits_default(),
		.reserve_before_send = true,
		.psks = &made->heads,
		.stage_unfollowable = true,
	};
	made->heads = (struct mls_psk_source){talk_agreed_find, &made->agreed};
	/* As many as have a drop that is read; and for as long as anything stands there (age.c). */
	made->mls.limits.past_epochs = TALK_DROPS_MAX - 1;
	made->mls.limits.past_epoch_age_s = made->retention_ms / 1000;
	made->mls.limits.skipped_key_age_s = made->retention_ms / 1000;
	err = mls_suite_supported(made->suite) ? ledger_create(allocator, &made->ledger)
					       : SOTTO_ERR_UNSUPPORTED;
	if (err != SOTTO_OK) {
		allocator_wipe(allocator, made, sizeof(*made));
		return err;
	}
	list_init(&made->groups);
	list_init(&made->packages);
	list_init(&made->unsaved_packages);
	for (size_t i = 0; i < TALK_PACKAGES_BY; i++)
		list_init(&made->packages_by[i]);
	list_init(&made->parcels);
	list_init(&made->files);
	list_init(&made->invites);
	list_init(&made->proposals);
	list_init(&made->petitions);
	list_init(&made->coming);
	list_init(&made->givings);
	list_init(&made->marks);
	list_init(&made->asked);
	list_init(&made->outgoing);
	list_init(&made->given);
	list_init(&made->events);
	list_init(&made->told);
	store_batch_init(&made->batch, allocator);
	*talk = made;
	return SOTTO_OK;
}

void talk_destroy(struct talk *talk)
{
	const struct allocator *allocator;

	if (talk == NULL)
		return;
	allocator = talk->allocator;
	list_for_each (element, following, &talk->groups)
		talk_group_free(talk, CONTAINER_OF(element, struct talk_group, list));
	list_for_each (element, following, &talk->packages)
		talk_package_free(talk, CONTAINER_OF(element, struct talk_package, list));
	list_for_each (element, following, &talk->parcels)
		talk_parcel_free(talk, CONTAINER_OF(element, struct talk_sent_parcel, list));
	list_for_each (element, following, &talk->files)
		talk_file_free(talk, CONTAINER_OF(element, struct talk_sent_file, list));
	talk_fetch_free(talk);
	list_for_each (element, following, &talk->petitions)
		talk_petition_free(talk, CONTAINER_OF(element, struct talk_petition_row, list));
	list_for_each (element, following, &talk->coming)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
	list_for_each (element, following, &talk->givings)
		talk_giving_free(talk, CONTAINER_OF(element, struct talk_giving, list));
	talk_taking_free(talk);
	talk_read_marks_free(talk);
	talk_invites_clear(talk);
	talk_proposals_clear(talk);
	talk_asked_drop_all(talk);
	talk_outgoing_clear(talk);
	talk_events_clear(talk, &talk->events);
	talk_events_clear(talk, &talk->told);
	talk_blob_clear(talk, &talk->invitation);
	store_batch_release(&talk->batch);
	ledger_destroy(talk->ledger);
	allocator_wipe(allocator, talk, sizeof(*talk));
}

/* One load: rows come one after the other, each decoded while the store lends it. */
struct loading {
	struct talk *talk;
	const struct store_reader *reader;
	struct talk_group *group; /* whose rows are being read */
};

static enum sotto_err corrupt(enum sotto_err err)
{
	return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_ERR_CORRUPT;
}

static enum sotto_err self_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	struct talk_kept_self kept;
	struct wire_cursor cursor;
	enum sotto_err err = SOTTO_OK;

	(void)index;
	FAIL_IF(wire_decode(&talk_kept_self_type, value, &kept) != SOTTO_OK, SOTTO_ERR_CORRUPT);
	FAIL_IF(kept.version != TALK_STORE_VERSION, SOTTO_ERR_VERSION);
	FAIL_IF(kept.state > TALK_COPIED, SOTTO_ERR_CORRUPT);
	talk->state = (enum talk_state)kept.state;
	talk->rows = kept.rows;
	talk->problems = (uint32_t)kept.stored_problems;
	talk->silent = kept.silent != 0;
	TRY(mls_identity_from_private(talk->suite, BYTES_OF(kept.device_seed), &talk->identity));
	memcpy(talk->inbox_read, kept.inbox_read, sizeof(talk->inbox_read));
	memcpy(talk->rotation_seed, kept.rotation_seed, sizeof(talk->rotation_seed));
	memcpy(talk->landing_append, kept.landing_append, sizeof(talk->landing_append));
	memcpy(talk->claim, kept.claim, sizeof(talk->claim));
	TRY(talk_blob_set(talk, &talk->invitation, kept.invitation));
	cursor = wire_list_walk(&kept.access);
	while (talk->access_count < TALK_ACCESS_MAX &&
	       wire_list_next(&cursor, &talk_access_type, &talk->access[talk->access_count]))
		talk->access_count++;
	talk->beacon_ms = kept.beacon_ms;
	talk->fresh_ms = kept.fresh_ms;
	talk->discarded = kept.discarded;
	talk->inbox_kept.sequence = kept.inbox_sequence;
	memcpy(talk->inbox_kept.incarnation, kept.inbox_incarnation, WIRE_INCARNATION_LEN);
	memcpy(talk->inbox_kept.running, kept.inbox_running, WIRE_HASH_LEN);
out:
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

static enum sotto_err ledger_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	enum sotto_err err;

	if (index != ledger_length(talk->ledger))
		return SOTTO_ERR_CORRUPT;
	err = ledger_restore(talk->ledger, value);
	return err == SOTTO_OK ? err : corrupt(err);
}

static enum sotto_err package_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	struct talk_kept_package kept;
	struct talk_package *package;

	if (wire_decode(&talk_kept_package_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	package = talk_take(talk, sizeof(*package));
	if (package == NULL)
		return SOTTO_ERR_NO_MEMORY;
	package->number = index;
	memcpy(package->device_key, kept.device_key, LEDGER_KEY_LEN);
	secret_set(&package->secrets.init_key, kept.init_key.data, kept.init_key.len);
	secret_set(&package->secrets.leaf_key, kept.leaf_key.data, kept.leaf_key.len);
	package->made_ms = kept.made_ms;
	package->heard_ms = kept.heard_ms;
	package->release = kept.release;
	/* Numbers grow: the newest of a device comes to stand first. */
	talk_package_enter(talk, package, true);
	return talk_package_set(talk, package, kept.message);
}

enum sotto_err talk_records_take(struct talk *talk, const struct wire_list *kept,
				 struct talk_records *records)
{
	struct wire_cursor cursor = wire_list_walk(kept);
	struct talk_kept_record record;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(kept->count == 0, SOTTO_ERR_CORRUPT);
	TRY(talk_records_make(talk, records, kept->count));
	for (size_t i = 0; wire_list_next(&cursor, &talk_kept_record_type, &record); i++)
		TRY(talk_blob_set(talk, &records->items[i], record.sealed));
out:
	return err;
}

static enum sotto_err parcel_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	struct talk_sent_parcel *sent;
	struct talk_kept_parcel kept;

	if (wire_decode(&talk_kept_parcel_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	sent = talk_take(talk, sizeof(*sent));
	if (sent == NULL)
		return SOTTO_ERR_NO_MEMORY;
	sent->number = index;
	sent->group = kept.group;
	sent->epoch = kept.epoch;
	sent->file = kept.file;
	memcpy(sent->device_key, kept.device_key, LEDGER_KEY_LEN);
	memcpy(sent->append_token, kept.append_token, WIRE_TOKEN_LEN);
	memcpy(sent->read_hash, kept.read_hash, WIRE_HASH_LEN);
	list_append(&talk->parcels, &sent->list);
	return talk_records_take(talk, &kept.records, &sent->records);
}

static enum sotto_err file_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	struct talk_sent_file *sent;
	struct talk_kept_file kept;

	if (wire_decode(&talk_kept_file_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	sent = talk_take(talk, sizeof(*sent));
	if (sent == NULL)
		return SOTTO_ERR_NO_MEMORY;
	sent->number = index;
	memcpy(sent->append_token, kept.append_token, WIRE_TOKEN_LEN);
	memcpy(sent->read_hash, kept.read_hash, WIRE_HASH_LEN);
	list_append(&talk->files, &sent->list);
	return talk_records_take(talk, &kept.records, &sent->records);
}

static enum sotto_err invite_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;
	struct talk_kept_invite kept;
	struct talk_invite_row *row;

	if (wire_decode(&talk_kept_invite_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	row = talk_take(talk, sizeof(*row));
	if (row == NULL)
		return SOTTO_ERR_NO_MEMORY;
	row->number = index;
	row->extension = kept.extension;
	memcpy(row->private_key, kept.private_key, sizeof(row->private_key));
	memcpy(row->public_key, kept.public_key, sizeof(row->public_key));
	list_append(&talk->invites, &row->list);
	bytes_wipe(&kept, sizeof(kept));
	return SOTTO_OK;
}

static enum sotto_err hand_row(void *context, uint64_t index, struct bytes value)
{
	struct talk *talk = ((struct loading *)context)->talk;

	return index == 0 ? talk_taking_load(talk, value) : talk_giving_load(talk, index, value);
}

static enum sotto_err marks_row(void *context, uint64_t index, struct bytes value)
{
	return talk_read_marks_load(((struct loading *)context)->talk, index, value);
}

static enum sotto_err out_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;
	struct talk *talk = loading->talk;
	struct talk_kept_out kept;
	struct wire_cursor cursor;
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_kept_out_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	out = talk_take(talk, sizeof(*out));
	if (out == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_append(&loading->group->outbox, &out->list);
	out->number = index;
	out->type = kept.type;
	out->serial = kept.serial;
	out->row = kept.row;
	out->sent_ms = kept.sent_ms;
	out->stored_ms = kept.stored_ms;
	out->stored = kept.stored != 0;
	out->seen = kept.seen != 0;
	out->epoch = kept.epoch;
	out->state = (enum talk_message_state)kept.state;
	TALK_PLACE_TAKE(&kept, &out->place);
	TRY(talk_blob_set(talk, &out->body, kept.body));
	if (kept.records.count > 0) {
		TRY(talk_records_take(talk, &kept.records, &out->records));
		memcpy(out->records.id, kept.parts_id, sizeof(out->records.id));
		out->records.stored = out->stored ? out->records.count : 0;
	}
	if (kept.recipients.count > 0) {
		out->recipients = talk_take(talk, kept.recipients.count * sizeof(*out->recipients));
		FAIL_IF(out->recipients == NULL, SOTTO_ERR_NO_MEMORY);
		out->recipient_count = kept.recipients.count;
	}
	cursor = wire_list_walk(&kept.recipients);
	for (size_t i = 0; i < out->recipient_count; i++)
		(void)wire_list_next(&cursor, &talk_kept_key_type, &out->recipients[i]);
out:
	return err;
}

static enum sotto_err own_take(struct talk *talk, const struct talk_kept_drop *kept,
			       struct talk_drop *drop)
{
	struct wire_cursor cursor = wire_list_walk(&kept->own);

	if (kept->own.count == 0)
		return SOTTO_OK;
	drop->own = talk_take(talk, kept->own.count * sizeof(*drop->own));
	if (drop->own == NULL)
		return SOTTO_ERR_NO_MEMORY;
	drop->own_count = kept->own.count;
	for (size_t i = 0; i < drop->own_count; i++)
		(void)wire_list_next(&cursor, &talk_kept_own_type, &drop->own[i]);
	return SOTTO_OK;
}

static enum sotto_err drops_take(struct talk *talk, struct talk_group *group,
				 const struct talk_kept_group *row)
{
	struct wire_cursor cursor = wire_list_walk(&row->drops);
	struct talk_kept_drop kept;
	enum sotto_err err = SOTTO_OK;

	while (group->drop_count < TALK_DROPS_MAX &&
	       wire_list_next(&cursor, &talk_kept_drop_type, &kept)) {
		struct talk_drop *drop = &group->drops[group->drop_count++];

		drop->flags = kept.flags;
		drop->epoch = kept.epoch;
		drop->known = kept.known != 0;
		drop->sequence = kept.sequence;
		drop->winner = kept.winner;
		memcpy(drop->append_token, kept.append_token, WIRE_TOKEN_LEN);
		memcpy(drop->read_token, kept.read_token, WIRE_TOKEN_LEN);
		memcpy(drop->record_key, kept.record_key, WIRE_KEY_LEN);
		memcpy(drop->incarnation, kept.incarnation, WIRE_INCARNATION_LEN);
		memcpy(drop->running, kept.running, WIRE_HASH_LEN);
		wire_append_token_hash(drop->append_token, drop->append_hash);
		wire_read_token_hash(drop->read_token, drop->read_hash);
		talk_drop_name(drop);
		/* Its records come from their own row. */
		drop->commit_again = kept.again != 0;
		drop->incarnations = kept.incarnations;
		TRY(own_take(talk, &kept, drop));
	}
	FAIL_IF(group->drop_count == 0, SOTTO_ERR_CORRUPT);
out:
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

static enum sotto_err arrived_take(struct talk *talk, struct talk_group *group,
				   const struct talk_kept_group *row)
{
	struct wire_cursor cursor = wire_list_walk(&row->arrived);
	struct talk_kept_arrived kept;

	while (wire_list_next(&cursor, &talk_kept_arrived_type, &kept)) {
		struct talk_arrived *arrived = talk_arrived_from(talk, group, kept.device_key);
		struct wire_cursor gaps = wire_list_walk(&kept.above);
		struct talk_gap gap;

		if (arrived == NULL)
			return SOTTO_ERR_NO_MEMORY;
		arrived->floor = kept.floor;
		arrived->tell = kept.tell != 0;
		if (arrived->tell != 0)
			group->tell_due_ns = TALK_TELL_NOW;
		while (arrived->above_count < TALK_GAPS_MAX &&
		       wire_list_next(&gaps, &talk_gap_type, &gap))
			arrived->above[arrived->above_count++] = gap.serial;
	}
	return SOTTO_OK;
}

static enum sotto_err returns_take(struct talk *talk, struct talk_group *group,
				   const struct talk_kept_group *row)
{
	struct wire_cursor cursor = wire_list_walk(&row->returns);

	if (row->returns.count == 0)
		return SOTTO_OK;
	group->returns = talk_take(talk, TALK_MEMBERS_MAX * sizeof(*group->returns));
	if (group->returns == NULL)
		return SOTTO_ERR_NO_MEMORY;
	while (group->return_count < TALK_MEMBERS_MAX &&
	       wire_list_next(&cursor, &talk_kept_return_type,
			      &group->returns[group->return_count]))
		group->return_count++;
	return SOTTO_OK;
}

static enum sotto_err welcome_take(struct talk *talk, struct talk_group *group,
				   const struct talk_kept_commit *row)
{
	struct wire_cursor cursor = wire_list_walk(&row->welcomed);
	enum sotto_err err = SOTTO_OK;

	if (row->welcome.len > 0) {
		group->welcome.allocator = talk->allocator;
		group->welcome.data = allocator_take(talk->allocator, row->welcome.len);
		FAIL_IF(group->welcome.data == NULL, SOTTO_ERR_NO_MEMORY);
		memcpy(group->welcome.data, row->welcome.data, row->welcome.len);
		group->welcome.len = group->welcome.capacity = row->welcome.len;
	}
	if (row->welcomed.count == 0)
		return SOTTO_OK;
	group->welcomed = talk_take(talk, row->welcomed.count * sizeof(*group->welcomed));
	FAIL_IF(group->welcomed == NULL, SOTTO_ERR_NO_MEMORY);
	group->welcomed_count = row->welcomed.count;
	for (size_t i = 0; i < group->welcomed_count; i++)
		(void)wire_list_next(&cursor, &talk_kept_welcomed_type, &group->welcomed[i]);
out:
	return err;
}

static enum sotto_err proposal_row(void *context, uint64_t index, struct bytes value)
{
	return talk_proposal_load(((struct loading *)context)->talk, index, value);
}

/* By the epoch of the drop: the present one's is on its way, a past one's has won. */
static enum sotto_err commit_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;
	struct talk_group *group = loading->group;
	struct talk_records *commit = &group->pending;
	struct talk_drop *drop = NULL;
	struct talk_kept_commit kept;
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < group->drop_count; i++) {
		if (group->drops[i].epoch == index)
			drop = &group->drops[i];
	}
	if (drop == NULL || wire_decode(&talk_kept_commit_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION)
		return SOTTO_ERR_CORRUPT;
	if (drop != &group->drops[0])
		commit = &drop->commit;
	TRY(talk_records_take(loading->talk, &kept.records, commit));
	memcpy(commit->id, kept.id, sizeof(commit->id));
	if (drop == &group->drops[0])
		TRY(welcome_take(loading->talk, group, &kept));
	else if (!drop->commit_again)
		commit->stored = commit->count;
out:
	return err;
}

static enum sotto_err wish_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;
	struct talk_kept_wish kept;
	struct talk_wish *wish;

	if (wire_decode(&talk_kept_wish_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION || kept.kind < TALK_WISH_ADD ||
	    kept.kind > TALK_WISH_LEFT)
		return SOTTO_ERR_CORRUPT;
	wish = talk_take(loading->talk, sizeof(*wish));
	if (wish == NULL)
		return SOTTO_ERR_NO_MEMORY;
	wish->number = index;
	wish->kind = (enum talk_wish_kind)kept.kind;
	wish->member = kept.member;
	if (kept.name.len > 0)
		memcpy(wish->name, kept.name.data, kept.name.len);
	wish->name_len = kept.name.len;
	list_append(&loading->group->wishes, &wish->list);
	return SOTTO_OK;
}

static enum sotto_err part_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;

	return talk_part_load(loading->talk, loading->group, value, index);
}

static enum sotto_err branch_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;

	return index == 0 ? talk_branch_load(loading->talk, loading->group, value)
			  : SOTTO_ERR_CORRUPT;
}

static enum sotto_err mls_take(const struct loading *loading, struct talk_group *group)
{
	struct talk *talk = loading->talk;
	struct writer tree, epoch, ratchet;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&tree, talk->allocator);
	writer_init_growing(&epoch, talk->allocator);
	writer_init_growing(&ratchet, talk->allocator);
	err = store_get(loading->reader, TALK_TABLE_TREE, BYTES_NONE, group->number, &tree);
	FAIL_IF(err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND, err);
	TRY(store_get(loading->reader, TALK_TABLE_EPOCH, BYTES_NONE, group->number, &epoch));
	TRY(store_get(loading->reader, TALK_TABLE_RATCHET, BYTES_NONE, group->number, &ratchet));
	TRY(mls_group_load(&talk->mls, writer_bytes(&tree), writer_bytes(&epoch),
			   writer_bytes(&ratchet), &group->mls));
out:
	writer_release(&tree);
	writer_release(&epoch);
	writer_release(&ratchet);
	return err;
}

static enum sotto_err group_row(void *context, uint64_t index, struct bytes value)
{
	struct loading *loading = context;
	struct talk *talk = loading->talk;
	struct talk_kept_group kept;
	struct talk_group *group;
	enum sotto_err err = SOTTO_OK;

	if (wire_decode(&talk_kept_group_type, value, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION || kept.kind < TALK_EVERYONE ||
	    kept.kind > TALK_GROUP)
		return SOTTO_ERR_CORRUPT;
	group = talk_take(talk, sizeof(*group));
	if (group == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&group->outbox);
	list_init(&group->coming);
	list_init(&group->wishes);
	list_append(&talk->groups, &group->list);
	group->number = index;
	memcpy(group->id, kept.id, TALK_GROUP_ID_LEN);
	FAIL_IF(kept.kind < TALK_EVERYONE || kept.kind > TALK_GROUP, SOTTO_ERR_CORRUPT);
	group->kind = (enum talk_kind)kept.kind;
	group->left = kept.left != 0;
	group->peer = kept.peer;
	group->serial = kept.serial;
	group->update_due = kept.update_due != 0;
	group->pace.leaf_ms = kept.leaf_ms;
	group->pace.spent_ms = kept.spent_ms;
	group->pace.used = kept.used != 0;
	if (kept.stuck > TALK_STUCK_FORK)
		return SOTTO_ERR_CORRUPT;
	group->stuck = (enum talk_stuck_why)kept.stuck;
	group->stuck_ms = kept.stuck_ms;
	group->asked_ms = kept.asked_ms;
	group->read_ms = kept.read_ms;
	memcpy(group->stuck_commit, kept.stuck_commit, sizeof(group->stuck_commit));
	memcpy(group->stuck_author, kept.stuck_author, sizeof(group->stuck_author));
	group->commit_due_ns = group->speak_due_ns = TALK_NEVER;
	talk_age_load(talk, group);
	TRY(drops_take(talk, group, &kept));
	TRY(arrived_take(talk, group, &kept));
	TRY(returns_take(talk, group, &kept));
	TRY(talk_owed_load(talk, group, &kept.owed));
	if (group->kind == TALK_EVERYONE)
		talk->everyone = group;
out:
	return err;
}

/* Reading while the store lends a row is allowed; that rows nest is not: so groups first, then theirs. */
static enum sotto_err group_rest(struct loading *loading, struct talk_group *group)
{
	static const struct {
		uint8_t table;
		store_row_fn *row;
	} tables[] = {
		{TALK_TABLE_OUTBOX, out_row},	 {TALK_TABLE_COMMIT, commit_row},
		{TALK_TABLE_PART, part_row},	 {TALK_TABLE_WISH, wish_row},
		{TALK_TABLE_BRANCH, branch_row},
	};
	uint8_t owner[8];
	enum sotto_err err = mls_take(loading, group);

	if (err != SOTTO_OK)
		return corrupt(err);
	talk_group_owner(group, owner);
	loading->group = group;
	for (size_t i = 0; i < ARRAY_LEN(tables) && err == SOTTO_OK; i++) {
		struct store_range range = STORE_RANGE_ALL(tables[i].table, BYTES_OF(owner));

		err = store_iterate(loading->reader, &range, tables[i].row, loading);
	}
	return err;
}

static enum sotto_err drops_begin(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	if (talk->state == TALK_EMPTY)
		return SOTTO_OK;
	if (talk->state == TALK_JOINING)
		TRY(talk_join_drops(talk));
	else if (talk->everyone == NULL || talk->access_count == 0 ||
		 ledger_device_by_key(talk->ledger, talk->identity.public_key) == NULL)
		return SOTTO_ERR_CORRUPT;
	else
		talk_member_drops(talk);
	talk->inbox.sequence = talk->inbox_kept.sequence;
	talk->inbox.known = talk->inbox_kept.sequence > 0;
	memcpy(talk->inbox.incarnation, talk->inbox_kept.incarnation, WIRE_INCARNATION_LEN);
	memcpy(talk->inbox.running, talk->inbox_kept.running, WIRE_HASH_LEN);
	if (talk->state == TALK_MEMBER)
		talk_problem_set(talk, TALK_PROBLEM_ONE_PERSON,
				 ledger_one_person_controls(talk->ledger));
out:
	return err;
}

enum sotto_err talk_load(struct talk *talk, const struct store_reader *reader, uint64_t now_ns)
{
	const struct {
		uint8_t table;
		store_row_fn *row;
		struct bytes owner;
	} tables[] = {
		{TALK_TABLE_SELF, self_row, BYTES_NONE},
		{TALK_TABLE_LEDGER, ledger_row, BYTES_NONE},
		{TALK_TABLE_PACKAGE, package_row, BYTES_NONE},
		{TALK_TABLE_PARCEL, parcel_row, BYTES_NONE},
		{TALK_TABLE_PARCEL, file_row, TALK_OWNER_FILE},
		{TALK_TABLE_INVITE, invite_row, BYTES_NONE},
		{TALK_TABLE_INVITE, proposal_row, TALK_OWNER_PROPOSAL},
		{TALK_TABLE_HAND, hand_row, BYTES_NONE},
		{TALK_TABLE_HAND, marks_row, TALK_OWNER_MARKS},
		{TALK_TABLE_GROUP, group_row, BYTES_NONE},
	};
	struct loading loading = {.talk = talk, .reader = reader};
	enum sotto_err err = SOTTO_OK;

	ASSERT(talk->state == TALK_EMPTY && talk->rows == 0);
	talk->now_ns = now_ns;
	talk->reader = *reader;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct store_range range = STORE_RANGE_ALL(tables[i].table, tables[i].owner);

		TRY(store_iterate(reader, &range, tables[i].row, &loading));
	}
	talk->ledger_saved = ledger_length(talk->ledger);
	talk_policy_take(talk);
	list_for_each (element, following, &talk->groups)
		TRY(group_rest(&loading, CONTAINER_OF(element, struct talk_group, list)));
	TRY(drops_begin(talk));
	TRY(talk_taking_unlock(talk));
	talk->shown_problems = talk->problems;
	talk->dirty = false;
out:
	talk->broken = err;
	return err;
}

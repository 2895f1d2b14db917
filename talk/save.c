/* SPDX-License-Identifier: Apache-2.0 */
/* What changed in a step, as store actions. load.c reads it back. */
#include <string.h>

#include "talk/state.h"

void talk_group_owner(const struct talk_group *group, uint8_t *owner)
{
	for (size_t i = 0; i < 8; i++)
		owner[i] = (uint8_t)(group->number >> (56 - 8 * i));
}

enum sotto_err talk_put(struct talk *talk, uint8_t table, struct bytes owner, uint64_t index,
			const struct wire_type *type, const void *structure)
{
	struct talk_blob value = {0};
	enum sotto_err err = talk_encode(talk, type, structure, &value);

	if (err == SOTTO_OK)
		err = store_batch_put(&talk->batch, table, owner, index, talk_blob_bytes(&value),
				      STORE_ERASABLE);
	talk_blob_clear(talk, &value);
	return err;
}

static enum sotto_err self_save(struct talk *talk)
{
	struct talk_kept_self self = {
		.version = TALK_STORE_VERSION,
		.state = (uint8_t)talk->state,
		.rows = talk->rows,
		.stored_problems = talk->problems & (UINT32_C(1) << TALK_PROBLEM_FORKED |
						     UINT32_C(1) << TALK_PROBLEM_CONTRADICTION),
		.silent = talk->silent,
		.invitation = talk_blob_bytes(&talk->invitation),
		.access = {.items = talk->access, .count = talk->access_count},
		.inbox_sequence = talk->inbox_kept.sequence,
		.beacon_ms = talk->beacon_ms,
		.fresh_ms = talk->fresh_ms,
		.discarded = talk->discarded,
	};
	enum sotto_err err;

	/* While a parcel is on its way in, the inbox is read again from where it began. */
	if (list_empty(&talk->coming)) {
		self.inbox_sequence = talk->inbox.sequence;
		memcpy(talk->inbox_kept.incarnation, talk->inbox.incarnation, WIRE_INCARNATION_LEN);
		memcpy(talk->inbox_kept.running, talk->inbox.running, WIRE_HASH_LEN);
		talk->inbox_kept.sequence = talk->inbox.sequence;
	}
	memcpy(self.inbox_incarnation, talk->inbox_kept.incarnation, WIRE_INCARNATION_LEN);
	memcpy(self.inbox_running, talk->inbox_kept.running, WIRE_HASH_LEN);
	if (talk->identity.public_len == LEDGER_KEY_LEN) {
		memcpy(self.device_seed, talk->identity.private_key.data, LEDGER_PRIVATE_LEN);
		memcpy(self.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	}
	memcpy(self.inbox_read, talk->inbox_read, sizeof(self.inbox_read));
	memcpy(self.rotation_seed, talk->rotation_seed, sizeof(self.rotation_seed));
	memcpy(self.landing_append, talk->landing_append, sizeof(self.landing_append));
	memcpy(self.claim, talk->claim, sizeof(self.claim));
	err = talk_put(talk, TALK_TABLE_SELF, BYTES_NONE, 0, &talk_kept_self_type, &self);
	bytes_wipe(&self, sizeof(self));
	return err;
}

static enum sotto_err ledger_save(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	for (; talk->ledger_saved < ledger_length(talk->ledger); talk->ledger_saved++)
		TRY(store_batch_put(&talk->batch, TALK_TABLE_LEDGER, BYTES_NONE, talk->ledger_saved,
				    ledger_entry_bytes(talk->ledger, talk->ledger_saved),
				    STORE_PLAIN));
out:
	return err;
}

/* As they stand in the rows of messages, commits and parcels; give them back. */
struct talk_kept_record *talk_records_keep(const struct talk *talk,
					   const struct talk_records *records)
{
	struct talk_kept_record *kept = talk_take(talk, records->count * sizeof(*kept));

	for (size_t i = 0; kept != NULL && i < records->count; i++)
		kept[i].sealed = talk_blob_bytes(&records->items[i]);
	return kept;
}

static enum sotto_err out_save(struct talk *talk, const struct talk_group *group,
			       struct talk_out *out)
{
	struct talk_kept_out kept = {
		.version = TALK_STORE_VERSION,
		.type = out->type,
		.serial = out->serial,
		.row = out->row,
		.sent_ms = out->sent_ms,
		.stored_ms = out->stored_ms,
		.stored = out->stored,
		.seen = out->seen,
		.epoch = out->epoch,
		.state = (uint8_t)out->state,
		.body = talk_blob_bytes(&out->body),
		.recipients = {.items = out->recipients, .count = out->recipient_count},
	};
	struct talk_kept_record *records = NULL;
	uint8_t owner[8];
	enum sotto_err err;

	if (!out->dirty || out->transient)
		return SOTTO_OK;
	if (out->records.count > 0) {
		records = talk_records_keep(talk, &out->records);
		if (records == NULL)
			return SOTTO_ERR_NO_MEMORY;
	}
	out->dirty = false;
	kept.records.items = records;
	kept.records.count = out->records.count;
	memcpy(kept.parts_id, out->records.id, sizeof(kept.parts_id));
	TALK_PLACE_KEEP(&kept, &out->place);
	talk_group_owner(group, owner);
	err = talk_put(talk, TALK_TABLE_OUTBOX, BYTES_OF(owner), out->number, &talk_kept_out_type,
		       &kept);
	talk_give(talk, records, out->records.count * sizeof(*records));
	return err;
}

static void drop_keep(const struct talk_drop *drop, struct talk_kept_drop *kept)
{
	*kept = (struct talk_kept_drop){
		.flags = drop->flags,
		.epoch = drop->epoch,
		.known = drop->known,
		.sequence = drop->sequence,
		.winner = drop->winner,
		.incarnations = drop->incarnations,
		.own = {.items = drop->own, .count = drop->own_count},
		.again = drop->commit.stored < drop->commit.count,
	};
	memcpy(kept->append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(kept->read_token, drop->read_token, WIRE_TOKEN_LEN);
	memcpy(kept->record_key, drop->record_key, WIRE_KEY_LEN);
	memcpy(kept->incarnation, drop->incarnation, WIRE_INCARNATION_LEN);
	memcpy(kept->running, drop->running, WIRE_HASH_LEN);
}

/* Room for the gaps of all senders, in one piece. */
static size_t arrived_keep(const struct talk_group *group, struct talk_kept_arrived *kept,
			   struct talk_gap *gaps)
{
	size_t used = 0;

	for (size_t i = 0; i < group->arrived_count; i++) {
		const struct talk_arrived *arrived = &group->arrived[i];

		if (kept != NULL) {
			kept[i] = (struct talk_kept_arrived){
				.floor = arrived->floor,
				.above = {.items = &gaps[used], .count = arrived->above_count},
				.tell = arrived->tell != 0,
			};
			memcpy(kept[i].device_key, arrived->key, LEDGER_KEY_LEN);
			for (uint32_t k = 0; k < arrived->above_count; k++)
				gaps[used + k].serial = arrived->above[k];
		}
		used += arrived->above_count;
	}
	return used;
}

static enum sotto_err group_row_save(struct talk *talk, struct talk_group *group)
{
	struct talk_kept_drop drops[TALK_DROPS_MAX];
	size_t gap_size = (arrived_keep(group, NULL, NULL) + 1) * sizeof(struct talk_gap);
	size_t arrived_size = (group->arrived_count + 1) * sizeof(struct talk_kept_arrived);
	struct talk_gap *gaps = talk_take(talk, gap_size);
	struct talk_kept_arrived *arrived = talk_take(talk, arrived_size);
	struct talk_kept_group kept = {
		.version = TALK_STORE_VERSION,
		.kind = (uint8_t)group->kind,
		.peer = group->peer,
		.serial = group->serial,
		.update_due = group->update_due,
		.leaf_ms = group->pace.leaf_ms,
		.spent_ms = group->pace.spent_ms,
		.used = group->pace.used,
		.stuck = (uint8_t)group->stuck,
		.stuck_ms = group->stuck_ms,
		.asked_ms = group->asked_ms,
		.read_ms = group->read_ms,
		.returns = {.items = group->returns, .count = group->return_count},
		.owed = {.items = group->owed, .count = group->owed_count},
		.left = group->left,
		.drops = {.items = drops, .count = group->drop_count},
		.arrived = {.items = arrived, .count = group->arrived_count},
	};
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(gaps == NULL || arrived == NULL, SOTTO_ERR_NO_MEMORY);
	memcpy(kept.id, group->id, TALK_GROUP_ID_LEN);
	memcpy(kept.stuck_commit, group->stuck_commit, sizeof(kept.stuck_commit));
	memcpy(kept.stuck_author, group->stuck_author, sizeof(kept.stuck_author));
	for (size_t i = 0; i < group->drop_count; i++)
		drop_keep(&group->drops[i], &drops[i]);
	(void)arrived_keep(group, arrived, gaps);
	TRY(talk_put(talk, TALK_TABLE_GROUP, BYTES_NONE, group->number, &talk_kept_group_type,
		     &kept));
out:
	talk_give(talk, gaps, gap_size);
	talk_give(talk, arrived, arrived_size);
	bytes_wipe(drops, sizeof(drops));
	return err;
}

static enum sotto_err mls_save(struct talk *talk, struct talk_group *group)
{
	struct mls_buffer buffer = {0};
	enum sotto_err err = SOTTO_OK;

	if (group->dirty_epoch) {
		if (mls_group_tree_due(group->mls)) {
			TRY(mls_group_save_tree(group->mls, &buffer));
			TRY(store_batch_put(&talk->batch, TALK_TABLE_TREE, BYTES_NONE,
					    group->number, mls_buffer_bytes(&buffer), STORE_PLAIN));
			mls_buffer_release(&buffer);
		}
		TRY(mls_group_save(group->mls, &buffer));
		TRY(store_batch_put(&talk->batch, TALK_TABLE_EPOCH, BYTES_NONE, group->number,
				    mls_buffer_bytes(&buffer), STORE_ERASABLE));
		mls_buffer_release(&buffer);
	}
	/* The two parts belong together: whenever the one is stored, the other is. */
	if (group->dirty_epoch || group->dirty_ratchet) {
		TRY(mls_group_save_ratchets(group->mls, TALK_AHEAD, &buffer));
		TRY(store_batch_put(&talk->batch, TALK_TABLE_RATCHET, BYTES_NONE, group->number,
				    mls_buffer_bytes(&buffer), STORE_ERASABLE));
		/* Nothing leaves before the batch is durable, and if it cannot be, the program stops. */
		mls_group_ratchets_stored(group->mls);
	}
out:
	mls_buffer_release(&buffer);
	return err;
}

/* group: whose Welcome belongs to it; NULL: none does any more. */
static enum sotto_err commit_save(struct talk *talk, const uint8_t *owner, uint64_t epoch,
				  struct talk_records *commit, const struct talk_group *group)
{
	struct talk_kept_commit kept = {.version = TALK_STORE_VERSION};
	struct talk_kept_record *records;
	enum sotto_err err;

	if (!commit->dirty)
		return SOTTO_OK;
	records = talk_records_keep(talk, commit);
	if (records == NULL)
		return SOTTO_ERR_NO_MEMORY;
	commit->dirty = false;
	memcpy(kept.id, commit->id, sizeof(kept.id));
	kept.records.items = records;
	kept.records.count = commit->count;
	if (group != NULL) {
		kept.welcome = mls_buffer_bytes(&group->welcome);
		kept.welcomed.items = group->welcomed;
		kept.welcomed.count = group->welcomed_count;
	}
	err = talk_put(talk, TALK_TABLE_COMMIT, BYTES(owner, 8), epoch, &talk_kept_commit_type,
		       &kept);
	talk_give(talk, records, commit->count * sizeof(*records));
	return err;
}

static enum sotto_err commits_save(struct talk *talk, struct talk_group *group)
{
	uint8_t owner[8];
	enum sotto_err err = SOTTO_OK;

	talk_group_owner(group, owner);
	TRY(commit_save(talk, owner, group->drops[0].epoch, &group->pending, group));
	for (size_t i = 0; i < group->drop_count; i++)
		TRY(commit_save(talk, owner, group->drops[i].epoch, &group->drops[i].commit, NULL));
out:
	return err;
}

static enum sotto_err group_save(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err = SOTTO_OK;

	if (group->dirty_epoch)
		TRY(talk_branch_note(talk, group));
	TRY(talk_branch_save(talk, group));
	TRY(mls_save(talk, group));
	if (group->dirty)
		TRY(group_row_save(talk, group));
	TRY(commits_save(talk, group));
	list_for_each (element, following, &group->outbox)
		TRY(out_save(talk, group, CONTAINER_OF(element, struct talk_out, list)));
	group->dirty = group->dirty_epoch = group->dirty_ratchet = false;
out:
	return err;
}

static enum sotto_err package_save(struct talk *talk, struct talk_package *package)
{
	struct talk_kept_package kept = {
		.version = TALK_STORE_VERSION,
		.message = talk_blob_bytes(&package->message),
		.init_key = secret_bytes(&package->secrets.init_key),
		.leaf_key = secret_bytes(&package->secrets.leaf_key),
		.made_ms = package->made_ms,
		.heard_ms = package->heard_ms,
		.release = package->release,
	};

	list_remove(&package->unsaved);
	memcpy(kept.device_key, package->device_key, LEDGER_KEY_LEN);
	return talk_put(talk, TALK_TABLE_PACKAGE, BYTES_NONE, package->number,
			&talk_kept_package_type, &kept);
}

static enum sotto_err packages_save(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->unsaved_packages)
		TRY(package_save(talk, CONTAINER_OF(element, struct talk_package, unsaved)));
out:
	return err;
}

static enum sotto_err parcel_save(struct talk *talk, struct talk_sent_parcel *sent)
{
	struct talk_kept_parcel kept = {
		.version = TALK_STORE_VERSION,
		.group = sent->group,
		.epoch = sent->epoch,
		.file = sent->file,
	};
	struct talk_kept_record *records;
	enum sotto_err err;

	if (!sent->dirty)
		return SOTTO_OK;
	records = talk_records_keep(talk, &sent->records);
	if (records == NULL)
		return SOTTO_ERR_NO_MEMORY;
	sent->dirty = false;
	memcpy(kept.device_key, sent->device_key, LEDGER_KEY_LEN);
	memcpy(kept.append_token, sent->append_token, WIRE_TOKEN_LEN);
	memcpy(kept.read_hash, sent->read_hash, WIRE_HASH_LEN);
	kept.records.items = records;
	kept.records.count = sent->records.count;
	err = talk_put(talk, TALK_TABLE_PARCEL, BYTES_NONE, sent->number, &talk_kept_parcel_type,
		       &kept);
	talk_give(talk, records, sent->records.count * sizeof(*records));
	return err;
}

static enum sotto_err file_save(struct talk *talk, struct talk_sent_file *sent)
{
	struct talk_kept_file kept = {.version = TALK_STORE_VERSION};
	struct talk_kept_record *records;
	enum sotto_err err;

	if (!sent->dirty)
		return SOTTO_OK;
	records = talk_records_keep(talk, &sent->records);
	if (records == NULL)
		return SOTTO_ERR_NO_MEMORY;
	sent->dirty = false;
	memcpy(kept.append_token, sent->append_token, WIRE_TOKEN_LEN);
	memcpy(kept.read_hash, sent->read_hash, WIRE_HASH_LEN);
	kept.records.items = records;
	kept.records.count = sent->records.count;
	err = talk_put(talk, TALK_TABLE_PARCEL, TALK_OWNER_FILE, sent->number, &talk_kept_file_type,
		       &kept);
	talk_give(talk, records, sent->records.count * sizeof(*records));
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

enum sotto_err talk_save(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	/* Ledger rows of a phone that is still joining are not its own yet. */
	TRY(ledger_save(talk));
	list_for_each (element, following, &talk->groups)
		TRY(group_save(talk, CONTAINER_OF(element, struct talk_group, list)));
	TRY(packages_save(talk));
	TRY(talk_proposals_save(talk));
	list_for_each (element, following, &talk->parcels)
		TRY(parcel_save(talk, CONTAINER_OF(element, struct talk_sent_parcel, list)));
	list_for_each (element, following, &talk->files)
		TRY(file_save(talk, CONTAINER_OF(element, struct talk_sent_file, list)));
	TRY(talk_giving_save(talk));
	TRY(talk_taking_save(talk));
	if (talk->dirty)
		TRY(self_save(talk));
	talk->dirty = false;
out:
	return err;
}

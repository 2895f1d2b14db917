/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels (inbox.c) and the sealed files that they name: file.c puts them, fetch.c gets them. Comes with talk/state.h. */
#ifndef TALK_FILE_H
#define TALK_FILE_H

#include "talk/state.h"

/* A file that is not there, or not all of it, is looked for again after so long; twice as long each time. */
#define TALK_FETCH_MS	  UINT64_C(2000)
#define TALK_FETCH_MS_MAX UINT64_C(512000)
/* Requests for one file in a row; then the next one that waits comes first. */
#define TALK_FETCH_ASKS 8
/* Groups of parcels that must wait are kept open up to so much, by what their files have. Of more the one that came
 * first is opened again when its turn comes: a member that sends parcels without end costs no more memory. */
#define TALK_WAITING_BYTES (UINT64_C(64) << 20)

/* What we put into a drop of its own; kept, and put there again on each link, as long as a parcel names it. */
struct talk_sent_file {
	struct list list;
	uint64_t number; /* of its row */
	uint8_t append_token[WIRE_TOKEN_LEN];
	uint8_t read_hash[WIRE_HASH_LEN];
	struct talk_records records; /* stored: on this link it was seen that they are there */
	bool dirty;
};

/* The one that is being read: one at a time. */
struct talk_fetch {
	struct talk_drop drop;
	struct talk_file file;
	uint8_t parcel[TALK_MESSAGE_ID_LEN]; /* whose it is */
	struct list parts;		     /* one talk_coming */
	uint32_t asks;
};

/* ---- file.c ---- */
/* Seals it under keys of its own, to be stored with this step. SOTTO_ERR_LIMIT: empty, or longer than TALK_FILE_MAX. */
MUST_USE enum sotto_err talk_file_make(struct talk *talk, struct bytes bytes,
				       struct talk_file *file, uint64_t *number);
MUST_USE enum sotto_err talk_files_work(struct talk *talk);
/* Is all of it there, as far as the relay says? Number 0 is none, and so is there. */
bool talk_file_there(const struct talk *talk, uint64_t number);
void talk_file_appended(struct talk *talk, const struct talk_asked *asked,
			const struct wire_appended *appended);
/* This request has ended. */
void talk_files_end(struct talk *talk, uint64_t ticket);
void talk_files_unlink(struct talk *talk);
void talk_file_free(struct talk *talk, struct talk_sent_file *sent);
size_t talk_file_part_count(size_t len);

/* ---- fetch.c ---- */
/*
 * The file of this parcel. SOTTO_ERR_AGAIN: it is on its way, or another one is; coming is looked at again by
 * talk_coming_work. SOTTO_ERR_INVALID: it is not what was announced.
 */
MUST_USE enum sotto_err talk_fetch_file(struct talk *talk, struct talk_coming *coming,
					const struct talk_file *file, struct talk_blob *contents);
MUST_USE enum sotto_err talk_fetch_receive(struct talk *talk, struct bytes record);
/* The relay has lost the drop: what was read of it begins anew. */
void talk_fetch_restart(struct talk *talk);
MUST_USE enum sotto_err talk_fetch_work(struct talk *talk);
uint64_t talk_fetch_due(const struct talk *talk);
/* Not now, whatever is of it. */
void talk_fetch_wait(const struct talk *talk, struct talk_coming *coming);
void talk_fetch_unlink(struct talk *talk);
/* Of this one nothing more is read; it may be that none is. */
MUST_USE enum sotto_err talk_fetch_end(struct talk *talk, const struct talk_coming *coming);
void talk_fetch_free(struct talk *talk);

/* ---- inbox.c ---- */
/* What a parcel leads to, in it or in its file; borrows from it and from fetched. Errors as talk_fetch_file. */
MUST_USE enum sotto_err talk_contents_get(struct talk *talk, struct talk_coming *coming,
					  const struct talk_parcel *parcel,
					  struct talk_blob *fetched,
					  struct talk_contents *contents);
MUST_USE enum sotto_err talk_parcels_make(struct talk *talk, struct talk_group *group);
/* Is a way in short enough to be sent: the ledger with all key packages and the tree? */
bool talk_parcel_fits(const struct talk *talk);
/* So many of those who wait may come in by one commit; 0: none fits. */
size_t talk_adds_max(const struct talk *talk, size_t wanted);
MUST_USE enum sotto_err talk_coming_work(struct talk *talk);
MUST_USE enum sotto_err talk_parcels_work(struct talk *talk);
/* It has spoken there, in this epoch. */
MUST_USE enum sotto_err talk_parcel_done(struct talk *talk, const struct talk_group *group,
					 const uint8_t *key, uint64_t epoch);
/* Nobody is led into a group that he was taken out of since. */
/* None of those into this group is of use any more. */
MUST_USE enum sotto_err talk_parcels_drop(struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_parcels_settle(struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_inbox_receive(struct talk *talk, struct bytes record);

/* ---- join.c, and what back.c has of it ---- */
MUST_USE enum sotto_err talk_join_parcel(struct talk *talk, const struct talk_parcel *parcel,
					 const struct talk_contents *contents);
/* The whole history of a parcel, from its first entry, as everybody checks it. */
MUST_USE enum sotto_err talk_ledger_take(struct talk *talk, const struct talk_contents *contents,
					 struct ledger **ledger);
bool talk_access_fits(const struct talk_parcel *parcel);
void talk_access_take(struct talk *talk, const struct talk_parcel *parcel);
bool talk_leaves_fit(const struct ledger *ledger, const struct mls_group *mls, uint64_t since_ms);
bool talk_context_names(const struct talk *talk, const struct ledger *ledger,
			const struct mls_group *mls, const struct talk_agreed *agreed);
MUST_USE enum sotto_err talk_packages_take(struct talk *talk, const struct talk_contents *contents);

#endif

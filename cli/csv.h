/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comma-separated values (RFC 4180), record by record: fields in quotes hold commas, newlines and doubled quotes; a
 * record ends with CRLF or LF. What is wrong with a record is said, and reading goes on behind it.
 */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stddef.h>

#include "base/bytes.h"

#define CSV_FIELDS_MAX	  8
#define CSV_FIELD_LEN_MAX 256

enum csv_result {
	CSV_RECORD, /* here it is */
	CSV_END,    /* there is no other */
	CSV_QUOTE, /* a quote inside of a field without quotes, or something behind the closing one */
	CSV_UNCLOSED, /* the file ends inside of quotes, which the record's line began */
	CSV_LONG,     /* a field has more than CSV_FIELD_LEN_MAX bytes */
	CSV_MANY,     /* more than CSV_FIELDS_MAX fields */
};

struct csv {
	struct bytes left; /* borrowed */
	size_t line;	   /* of left, from 1 */
};

struct csv_record {
	size_t line; /* where it begins */
	size_t count;
	/* Any bytes, 0 too; terminated. An empty line is one empty field. */
	struct csv_field {
		size_t len;
		char text[CSV_FIELD_LEN_MAX + 1];
	} fields[CSV_FIELDS_MAX];
};

/* Leaves a byte order mark out. */
void csv_init(struct csv *csv, struct bytes text);

/* The next record. Its line is set whatever comes, and the rest is of use for CSV_RECORD alone. */
enum csv_result csv_next(struct csv *csv, struct csv_record *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One record at a time, a state for each byte: between fields, in one without quotes, in one with, behind that. */
#include "cli/csv.h"

#include <stdbool.h>
#include <string.h>

enum state {
	AT_FIELD,
	IN_PLAIN,
	IN_QUOTES,
	AFTER_QUOTE, /* it was the closing one, or the first of two */
};

struct parse {
	struct csv_record *record;
	enum state state;
	enum csv_result result; /* the first thing that was wrong; RECORD: nothing */
	bool ended;
};

void csv_init(struct csv *csv, struct bytes text)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

	if (text.len >= sizeof(mark) && memcmp(text.data, mark, sizeof(mark)) == 0)
		text = BYTES(text.data + sizeof(mark), text.len - sizeof(mark));
	*csv = (struct csv){.left = text, .line = 1};
}

static void fault(struct parse *parse, enum csv_result result)
{
	if (parse->result == CSV_RECORD)
		parse->result = result;
}

static void put(struct parse *parse, uint8_t byte)
{
	struct csv_field *field = &parse->record->fields[parse->record->count - 1];

	if (field->len == CSV_FIELD_LEN_MAX) {
		fault(parse, CSV_LONG);
		return;
	}
	field->text[field->len++] = (char)byte;
	field->text[field->len] = '\0';
}

static void next_field(struct parse *parse)
{
	parse->state = AT_FIELD;
	if (parse->record->count == CSV_FIELDS_MAX) {
		/* What comes goes into the last one, which nobody sees. */
		fault(parse, CSV_MANY);
		return;
	}
	parse->record->fields[parse->record->count].len = 0;
	parse->record->fields[parse->record->count].text[0] = '\0';
	parse->record->count++;
}

static void take_quote(struct parse *parse)
{
	switch (parse->state) {
	case AT_FIELD:
		parse->state = IN_QUOTES;
		break;
	case IN_PLAIN:
		fault(parse, CSV_QUOTE);
		break;
	case IN_QUOTES:
		parse->state = AFTER_QUOTE;
		break;
	case AFTER_QUOTE:
		put(parse, '"');
		parse->state = IN_QUOTES;
		break;
	}
}

static void take(struct parse *parse, uint8_t byte, bool ends)
{
	if (byte == '"') {
		take_quote(parse);
	} else if (parse->state == IN_QUOTES) {
		put(parse, byte);
	} else if (ends) {
		parse->ended = true;
	} else if (byte == ',') {
		next_field(parse);
	} else {
		if (parse->state == AFTER_QUOTE)
			fault(parse, CSV_QUOTE);
		parse->state = IN_PLAIN;
		put(parse, byte);
	}
}

enum csv_result csv_next(struct csv *csv, struct csv_record *record)
{
	struct parse parse = {.record = record, .result = CSV_RECORD};
	struct bytes left = csv->left;

	record->line = csv->line;
	record->count = 0;
	if (left.len == 0)
		return CSV_END;
	next_field(&parse);
	while (left.len > 0 && !parse.ended) {
		bool pair = left.len > 1 && left.data[0] == '\r' && left.data[1] == '\n';
		size_t len = pair && parse.state != IN_QUOTES ? 2 : 1;

		csv->line += left.data[len - 1] == '\n';
		take(&parse, left.data[0], left.data[len - 1] == '\n');
		left = BYTES(left.data + len, left.len - len);
	}
	csv->left = left;
	if (parse.state == IN_QUOTES)
		fault(&parse, CSV_UNCLOSED);
	return parse.result;
}

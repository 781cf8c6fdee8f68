"""What explains that data is missing: lines of data that clients ignore."""

SPOILED = ("wire/mid-stream-bom", "wire/repeated-bom", "wire/field-case", "wire/unprefixed-data")

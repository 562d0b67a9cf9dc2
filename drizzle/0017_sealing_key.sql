CREATE TABLE "sealing_key" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"key_id" text NOT NULL
);

// A round trip with the client that oapi-codegen makes from openapi.json.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"reflect"

	"kafka.do/roundtrip/kafkado"
)

const topic = "generated-go"
const partition = 1

var raw = []byte{0x00, 0xff}

func main() {
	if err := roundTrip(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// roundTrip creates a topic, appends two records, reads them, meets an error and deletes the topic.
func roundTrip(ctx context.Context, url string) error {
	client, err := kafkado.NewClientWithResponses(url)
	if err != nil {
		return err
	}

	partitions := kafkado.PartitionCount(2)
	created, err := client.CreateTopicWithResponse(ctx, kafkado.CreateTopicRequest{Topic: topic, Partitions: &partitions})
	if err != nil {
		return err
	}
	if created.JSON201 == nil {
		return fmt.Errorf("create: %s", created.Body)
	}

	produced, err := client.ProducePartitionWithResponse(ctx, topic, partition, kafkado.ProducePartitionRequest{Records: records()})
	if err != nil {
		return err
	}
	if produced.JSON200 == nil || *produced.JSON200.Results[0].Offset != 0 || *produced.JSON200.Results[1].Offset != 1 {
		return fmt.Errorf("produce: %s", produced.Body)
	}

	fetched, err := client.FetchPartitionWithResponse(ctx, topic, partition, &kafkado.FetchPartitionParams{Offset: 0})
	if err != nil {
		return err
	}
	if fetched.JSON200 == nil || fetched.JSON200.NextOffset != 2 || !same(fetched.JSON200.Records) {
		return fmt.Errorf("fetch: %s", fetched.Body)
	}

	refused, err := client.FetchPartitionWithResponse(ctx, topic, partition, &kafkado.FetchPartitionParams{Offset: 900})
	if err != nil {
		return err
	}
	problem := refused.ApplicationproblemJSON416
	if problem == nil || problem.Code != "offset_out_of_range" || *problem.HighWatermark != 2 {
		return fmt.Errorf("fetch beyond the end: %s", refused.Body)
	}

	deleted, err := client.DeleteTopicWithResponse(ctx, topic, nil)
	if err != nil {
		return err
	}
	if deleted.StatusCode() != 204 {
		return fmt.Errorf("delete: %s", deleted.Body)
	}
	return nil
}

// records returns a record of JSON and text, and one of bytes that are neither.
func records() []kafkado.ProducePartitionRecord {
	key, trace, coded := "a", "x", base64.StdEncoding.EncodeToString(raw)
	ofKey, ofValue := kafkado.TextEncodingBase64, kafkado.ValueEncodingBase64
	headers := []kafkado.RecordHeader{{Key: "trace", Value: &trace}}
	return []kafkado.ProducePartitionRecord{
		{Key: &key, Value: map[string]any{"order": 1}, Headers: &headers},
		{Key: &coded, KeyEncoding: &ofKey, Value: coded, ValueEncoding: &ofValue},
	}
}

// same says whether what was read is what was written.
func same(read []kafkado.FetchedRecord) bool {
	if len(read) != 2 || read[0].Offset != 0 || read[1].Offset != 1 {
		return false
	}
	first, second := read[0], read[1]
	return *first.Key == "a" && reflect.DeepEqual(first.Value, map[string]any{"order": 1.0}) &&
		len(first.Headers) == 1 && first.Headers[0].Key == "trace" && *first.Headers[0].Value == "x" &&
		*second.KeyEncoding == kafkado.TextEncodingBase64 && decodes(*second.Key) &&
		*second.ValueEncoding == kafkado.ValueEncodingBase64 && decodes(second.Value.(string))
}

func decodes(text string) bool {
	decoded, err := base64.StdEncoding.DecodeString(text)
	return err == nil && bytes.Equal(decoded, raw)
}

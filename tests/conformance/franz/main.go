// Command franz reads every partition of a topic with franz-go, from the log start to the end at the time of the call,
// and prints the canonical digest of each as JSON (the encoding is described in ../java/RecordDigest.java). With -hashes DIR
// it also writes the first 64 bits of each record's digest to DIR/<partition>. With -produce N it writes N records instead,
// with -transactions M in M transactions of N records each.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// stall bounds how long a read may go on without one record.
const stall = 30 * time.Second

type partitionDigest struct {
	sum         hash.Hash
	each        *bufio.Writer // where the hash of each record goes; nil for nowhere
	buffer      []byte
	end         int64
	done        bool
	Records     int64  `json:"records"`
	Digest      string `json:"digest"`
	FirstOffset int64  `json:"first_offset"`
	LastOffset  int64  `json:"last_offset"`
}

func appendSized(to, data []byte) []byte {
	if data == nil {
		return binary.BigEndian.AppendUint32(to, 0xFFFFFFFF)
	}
	return append(binary.BigEndian.AppendUint32(to, uint32(len(data))), data...)
}

// encoded is the canonical form of a record.
func encoded(record *kgo.Record, to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(record.Timestamp.UnixMilli()))
	to = appendSized(to, record.Key)
	to = appendSized(to, record.Value)
	to = binary.BigEndian.AppendUint32(to, uint32(len(record.Headers)))
	for _, header := range record.Headers {
		to = appendSized(to, []byte(header.Key))
		to = appendSized(to, header.Value)
	}
	return to
}

func (d *partitionDigest) add(record *kgo.Record) {
	d.buffer = encoded(record, d.buffer[:0])
	d.sum.Write(d.buffer)
	if d.each != nil {
		own := sha256.Sum256(d.buffer)
		d.each.Write(own[:8])
	}
	if d.Records == 0 {
		d.FirstOffset = record.Offset
	}
	d.LastOffset = record.Offset
	d.Records++
}

func digests(client *kgo.Client, topic string, committed bool) (map[int32]*partitionDigest, error) {
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), stall)
	defer cancel()
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err = starts.Error(); err != nil {
		return nil, err
	}
	list := admin.ListEndOffsets
	if committed {
		list = admin.ListCommittedOffsets // the last stable offsets
	}
	ends, err := list(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err = ends.Error(); err != nil {
		return nil, err
	}
	result := map[int32]*partitionDigest{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		result[end.Partition] = &partitionDigest{sum: sha256.New(), end: end.Offset, FirstOffset: -1,
			LastOffset: -1, done: start.Offset >= end.Offset}
	})
	return result, nil
}

func open(found map[int32]*partitionDigest) []int32 {
	var partitions []int32
	for partition, digest := range found {
		if !digest.done {
			partitions = append(partitions, partition)
		}
	}
	return partitions
}

// readAll takes control records too (they are not part of the digest): without them a log that ends in a commit or
// abort marker would seem unfinished for ever.
func readAll(client *kgo.Client, found map[int32]*partitionDigest) error {
	for len(open(found)) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), stall)
		fetches := client.PollFetches(ctx)
		cancel()
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("partitions %v not read to their end: %w", open(found), failed.Err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			digest := found[record.Partition]
			if record.Offset < digest.end && !record.Attrs.IsControl() {
				digest.add(record)
			}
			digest.done = digest.done || record.Offset+1 >= digest.end
		})
	}
	return nil
}

// writeHashes gives each partition a file for the hashes of its records; the function returned ends them.
func writeHashes(directory string, found map[int32]*partitionDigest) (func() error, error) {
	var files []*os.File
	for partition, digest := range found {
		file, err := os.Create(filepath.Join(directory, fmt.Sprint(partition)))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		digest.each = bufio.NewWriterSize(file, 1<<20)
	}
	return func() error {
		for _, digest := range found {
			if err := digest.each.Flush(); err != nil {
				return err
			}
		}
		for _, file := range files {
			if err := file.Close(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// security is how the listener is protected; the zero value is a plain one.
type security struct {
	authority, identity       string // PEM files: whom to trust, our certificate with its key
	mechanism, user, password string
}

func (s security) options() ([]kgo.Opt, error) {
	var options []kgo.Opt
	if s.authority != "" {
		pem, err := os.ReadFile(s.authority)
		if err != nil {
			return nil, err
		}
		config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", s.authority)
		}
		if s.identity != "" {
			certificate, err := tls.LoadX509KeyPair(s.identity, s.identity)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{certificate}
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	switch s.mechanism {
	case "":
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: s.user, Pass: s.password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: s.user, Pass: s.password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: s.user, Pass: s.password}.AsSha512Mechanism()))
	default:
		return nil, fmt.Errorf("no such mechanism: %s", s.mechanism)
	}
	return options, nil
}

// produce writes records with keys, values and headers, idempotently, in zstd.
func produce(bootstrap, topic string, count int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.RecordDeliveryTimeout(stall))
	if err != nil {
		return err
	}
	defer client.Close()
	records := make([]*kgo.Record, count)
	for number := range records {
		text := fmt.Sprint(number)
		records[number] = &kgo.Record{Key: []byte("key-" + text), Value: []byte("value " + text),
			Headers: []kgo.RecordHeader{{Key: "number", Value: []byte(text)}}}
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

// transact runs transactions of so many records each; the second of each three is aborted.
func transact(bootstrap, topic string, transactions, count int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.DefaultProduceTopic(topic),
		kgo.TransactionalID("franz-"+topic), kgo.RecordDeliveryTimeout(stall))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 4*stall)
	defer cancel()
	for number := 0; number < transactions; number++ {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		for record := 0; record < count; record++ {
			value := fmt.Sprintf("value %d of transaction %d", record, number)
			client.Produce(ctx, &kgo.Record{Key: []byte(fmt.Sprint(record)), Value: []byte(value)}, nil)
		}
		if err := client.Flush(ctx); err != nil {
			return err
		}
		end := kgo.TryCommit
		if number%3 == 1 {
			end = kgo.TryAbort
		}
		if err := client.EndTransaction(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

func run() error {
	bootstrap := flag.String("bootstrap", "", "host:port[,host:port...]")
	topic := flag.String("topic", "", "topic to read")
	isolation := flag.String("isolation", "read_uncommitted", "read_uncommitted or read_committed")
	var protection security
	flag.StringVar(&protection.authority, "ca", "", "PEM file with the authority to trust: TLS")
	flag.StringVar(&protection.identity, "identity", "", "PEM file with our certificate and its key: mutual TLS")
	flag.StringVar(&protection.mechanism, "mechanism", "", "SASL mechanism")
	flag.StringVar(&protection.user, "user", "", "SASL user")
	flag.StringVar(&protection.password, "password", "", "SASL password")
	hashes := flag.String("hashes", "", "directory for the hashes of the records, a file per partition")
	count := flag.Int("produce", 0, "write so many records instead of reading")
	transactions := flag.Int("transactions", 0, "write in so many transactions, each of as many records as -produce says")
	flag.Parse()
	if *transactions > 0 {
		return transact(*bootstrap, *topic, *transactions, *count)
	}
	if *count > 0 {
		return produce(*bootstrap, *topic, *count)
	}
	secured, err := protection.options()
	if err != nil {
		return err
	}
	secured = append(secured, kgo.SeedBrokers(strings.Split(*bootstrap, ",")...))

	level := kgo.ReadUncommitted()
	if *isolation == "read_committed" {
		level = kgo.ReadCommitted()
	}
	client, err := kgo.NewClient(secured...)
	if err != nil {
		return err
	}
	found, err := digests(client, *topic, *isolation == "read_committed")
	client.Close()
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("topic %s does not exist", *topic)
	}
	reading := append(secured, kgo.ConsumeTopics(*topic), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(4<<20),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if client, err = kgo.NewClient(reading...); err != nil {
		return err
	}
	defer client.Close()
	if *hashes != "" {
		end, err := writeHashes(*hashes, found)
		if err != nil {
			return err
		}
		if err = readAll(client, found); err != nil {
			return err
		}
		if err = end(); err != nil {
			return err
		}
	} else if err = readAll(client, found); err != nil {
		return err
	}
	for _, digest := range found {
		digest.Digest = hex.EncodeToString(digest.sum.Sum(nil))
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"partitions": found})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

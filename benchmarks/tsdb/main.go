// Command tsdb writes series into blocks of Prometheus' storage, by Prometheus' own code.
//
// It reads lines of JSON from standard input: {"labels": {...}, "start": T, "every": S, "jump": J}
// is a series with a sample every `-scrape` seconds, whose value rises by J every S seconds since T;
// with "gauge": true it is J, and 0 in one of seven stretches of S. With "pace": P it has a sample
// every P seconds instead.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"

	kitlog "github.com/go-kit/log"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	day  = 24 * 3600
	some = 200 // series in one transaction
)

type series struct {
	Labels map[string]string `json:"labels"`
	Start  int64             `json:"start"`
	Every  int64             `json:"every"`
	Jump   float64           `json:"jump"`
	Gauge  bool              `json:"gauge"`
	Pace   int64             `json:"pace"`
}

func (s series) at(moment int64) float64 {
	step := (moment - s.Start) / s.Every
	if !s.Gauge {
		return s.Jump * float64(step)
	}
	if step%7 == 3 {
		return 0
	}
	return s.Jump
}

func main() {
	folder := flag.String("data", "", "folder of the blocks")
	first := flag.Int64("first", 0, "first moment, Unix seconds")
	last := flag.Int64("last", 0, "last moment")
	scrape := flag.Int64("scrape", 60, "seconds between two samples")
	flag.Parse()
	var all []series
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one series
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	for from := *first; from <= *last; from = from/day*day + day {
		if err := block(*folder, all, from, min(from/day*day+day, *last+1), *scrape); err != nil {
			log.Fatal(err)
		}
	}
}

// block writes one day; from lies on a whole scrape and a whole pace.
func block(folder string, all []series, from, to, scrape int64) error {
	// Twice as long as it is: half of it may be older than the newest sample.
	writer, err := tsdb.NewBlockWriter(kitlog.NewNopLogger(), folder, 2*day*1000)
	if err != nil {
		return err
	}
	defer writer.Close()
	ctx := context.Background()
	appender := writer.Appender(ctx)
	for number, one := range all {
		named := labels.FromMap(one.Labels)
		pace := scrape
		if one.Pace > 0 {
			pace = one.Pace
		}
		for moment := from; moment < to; moment += pace {
			if _, err := appender.Append(0, named, moment*1000, one.at(moment)); err != nil {
				return err
			}
		}
		if number%some == some-1 {
			if err := appender.Commit(); err != nil {
				return err
			}
			appender = writer.Appender(ctx)
		}
	}
	if err := appender.Commit(); err != nil {
		return err
	}
	_, err = writer.Flush(ctx)
	return err
}

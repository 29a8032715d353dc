output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.pictures.bucket
}

output "queue_url" {
  description = "Address of the queue."
  value       = aws_sqs_queue.uploads.url
}

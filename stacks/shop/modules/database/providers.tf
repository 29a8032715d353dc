terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.80"
    }
  }
}

# Credentials, and an emulator's address in AWS_ENDPOINT_URL, come from the environment.
provider "aws" {
  region = var.region

  default_tags {
    tags = var.tags
  }
}
